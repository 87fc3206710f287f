import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setImmediate as nextRound, setTimeout as pause } from "node:timers/promises";
import { now } from "../../../src/shared/protocol.ts";
import type { WireLog } from "../emulator.ts";
import type { SpeechOrder } from "./checks.ts";
import type { ElevenlabsDelays } from "./delays.ts";
import type { ElevenlabsFault } from "./faults.ts";
import { inOddParts, plainPieces, timedPieces } from "./pieces.ts";
import { refuse } from "./refusal.ts";
import type { ElevenlabsScript } from "./script.ts";
import { charactersOf } from "./tone.ts";

export interface AnswerOptions {
  readonly order: SpeechOrder;
  readonly timed: boolean;
  readonly response: ServerResponse;
  readonly fault: ElevenlabsFault;
  readonly delays: ElevenlabsDelays;
  readonly script: ElevenlabsScript;
  readonly headers: Readonly<Record<string, string>>;
  readonly log: WireLog;
  /** The number of the request in the log. */
  readonly request: number;
  /** The time at which the request had arrived. */
  readonly arrivedAt: number;
  /** Fires when the client has disconnected, or the emulator closes. */
  readonly signal: AbortSignal;
}

/** Sends the speech. It rejects when the signal fires, after a part of it may have been sent. */
export async function answer(options: AnswerOptions): Promise<void> {
  const { order, timed, response, fault, delays, script, log, request, signal } = options;
  const startAt = options.arrivedAt + delays.firstByteMs + (fault.delayMs ?? 0);
  await until(startAt, signal);
  const usualType = timed ? "application/json" : "audio/pcm";
  response.writeHead(200, { "content-type": fault.contentType ?? usualType, ...options.headers });
  // The head is sent alone before a stall; otherwise it is sent with the first sound.
  if (fault.stallAfterMs === 0) response.flushHeaders();
  let soundMs = 0;
  const pieces = fault.empty ? [] : timed ? timedPieces(order, script) : plainPieces(order, script);
  for (const piece of pieces) {
    await until(startAt + soundMs / delays.speed, signal);
    if (soundMs >= (fault.stallAfterMs ?? Number.POSITIVE_INFINITY)) await never(signal);
    if (soundMs >= (fault.cutAfterMs ?? Number.POSITIVE_INFINITY)) {
      response.destroy();
      return;
    }
    if (soundMs >= (fault.errorAfterMs ?? Number.POSITIVE_INFINITY)) {
      response.end(`${JSON.stringify(refuse(500).body)}\n`);
      return;
    }
    for (const part of script.oddPieces ? inOddParts(piece.bytes) : [piece.bytes]) {
      if (!response.write(part)) await once(response, "drain", { signal });
      // Pieces that are written together arrive together.
      if (script.oddPieces) await rounds(3, signal);
    }
    if (soundMs === 0) log.add("first_byte", { request });
    soundMs = piece.soundMs;
  }
  response.end();
  log.add("end", { request, soundMs, characters: charactersOf(order.text).length });
}

async function until(at: number, signal: AbortSignal): Promise<void> {
  const ms = at - now();
  if (ms > 0) await pause(ms, undefined, { signal });
  else await nextRound(undefined, { signal });
}

async function rounds(count: number, signal: AbortSignal): Promise<void> {
  for (let round = 0; round < count; round++) await nextRound(undefined, { signal });
}

function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
