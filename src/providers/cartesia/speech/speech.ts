import type { Alignment, SpeechChunk } from "../../../agent/tts.ts";
import { SampleReader } from "../../../audio/sample-reader.ts";
import { within } from "../../../shared/deadline.ts";
import type { JsonRecord } from "../../listening/turn-signal.ts";
import { CartesiaError } from "../error.ts";
import type { FilledTtsOptions } from "../options.ts";
import type { SpeechSocket } from "./speech-socket.ts";
import { WordAlignment } from "./word-alignment.ts";

export interface SpeechRequest {
  readonly socket: SpeechSocket;
  readonly options: FilledTtsOptions;
  readonly text: string;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * Speaks a text in a context of its own, and yields the sound as it arrives. Ending the iteration cancels the context. It throws a
 * {@link CartesiaError}, a `DeadlineError`, or the reason of the signal.
 */
export async function* requestSpeech({
  socket,
  options,
  text,
  signal,
}: SpeechRequest): AsyncGenerator<SpeechChunk, void> {
  const { sampleRate, idleTimeoutMs, firstByteTimeoutMs } = options;
  await untilAborted(socket.opened, signal);
  if (!socket.usable) {
    throw new CartesiaError("The connection to Cartesia was closed", { kind: "network", code: "ECONNRESET" });
  }
  const context = socket.speak(text);
  const aborted = () => context.messages.push(signal.reason);
  signal.addEventListener("abort", aborted, { once: true });
  const messages = context.messages[Symbol.asyncIterator]();
  const samples = new SampleReader();
  const alignment = new WordAlignment(text);
  let told: Alignment | undefined;
  let limitMs = firstByteTimeoutMs;
  let spoke = false;
  try {
    for (;;) {
      const what = "The next piece of Cartesia's speech";
      const { done, value } = await within(messages.next(), limitMs, what, undefined, "idleTimeoutMs");
      if (done) break;
      if (value instanceof Error) throw value;
      limitMs = idleTimeoutMs;
      // The times of words may come before their sound, or after it.
      if (value.type === "timestamps") told = joined(told, alignment.read(value.word_timestamps));
      const read = samples.read(soundIn(value));
      if (read.length === 0) continue;
      spoke = true;
      yield { samples: read, sampleRate, ...(told === undefined ? {} : { alignment: told }) };
      told = undefined;
    }
    if (told !== undefined && spoke) yield { samples: new Int16Array(0), sampleRate, alignment: told };
  } finally {
    signal.removeEventListener("abort", aborted);
    context.end();
  }
}

function soundIn({ type, data }: JsonRecord): Uint8Array {
  if (type !== "chunk") return new Uint8Array(0);
  if (typeof data === "string") return Buffer.from(data, "base64");
  throw new CartesiaError("Cartesia sent a piece without sound", { kind: "server", code: "bad_answer" });
}

function joined(one: Alignment | undefined, other: Alignment | undefined): Alignment | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return {
    characters: [...one.characters, ...other.characters],
    startMs: [...one.startMs, ...other.startMs],
  };
}

/** Resolves as the promise does. Rejects with the reason of the signal when that fires first. */
async function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const fire = () => reject(signal.reason);
  signal.addEventListener("abort", fire, { once: true });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", fire);
  }
}
