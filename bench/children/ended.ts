// Measures the heap that sessions take once they have ended and others have since: each had a call of many turns.
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Measurement } from "../../src/shared/session/measurement.ts";
import { Sessions } from "../../src/supervisor/session/sessions.ts";
import { detachedSession, hear } from "../../test/fixtures/supervisor/detached-session.ts";
import { argumentOfChild, finishChild } from "../child.ts";

export interface EndedTask {
  /** Sessions to measure. */
  readonly sessions: number;
  /** Sessions that end after those. */
  readonly most: number;
}

export interface EndedResult {
  /** V8 heap that a session takes. */
  readonly bytes: number;
  /** The number of later ones that can still be read at the end. */
  readonly kept: number;
}

const turns = 20;
const common = { provider: "a-provider", model: "a-model-of-it" };
const latency = { responseMs: 812.5, endOfTurnMs: 260.25, firstTokenMs: 310.5 };
const measured = [
  { kind: "stt", ...common, latencyMs: 120.5, audioDurationMs: 2_410.25 },
  {
    kind: "llm",
    ...common,
    outcome: "done",
    latencyMs: 901.5,
    firstTokenMs: 310.5,
    inputTokens: 911,
    outputTokens: 43,
  },
  { kind: "tool", ...common, outcome: "done", latencyMs: 80.5 },
  { kind: "tts", ...common, latencyMs: 140.5, audioDurationMs: 3_100.5, characters: 120 },
  { kind: "turn", outcome: "done", durationMs: 6_210.5, trailingSilenceMs: 240.5 },
  { kind: "response", outcome: "done", eager: false, ...latency },
] as const satisfies readonly Measurement[];

const sessions = new Sessions();

/** Plays a session. The thread is not under measurement here: its messages are given as it would send them. */
function play(number: number): string {
  const session = detachedSession({
    identity: {
      callId: `call-${number}`,
      config: { prompt: "p".repeat(2_000), number },
      createdBy: `user-${number}`,
    },
    transcript: true,
    onEnded: (ended) => sessions.retire(ended),
  });
  sessions.add(session);
  for (const type of ["entered", "created"] as const) session.message({ type, at: Date.now() });
  session.message({ type: "joined", at: Date.now(), waitsMs: null });
  for (let turn = 0; turn < turns; turn += 1) {
    for (const role of ["user", "agent"] as const) {
      hear(session, role, turn, `${number} ${turn} `.padEnd(120, "words "));
    }
    for (const measurement of measured) session.message({ type: "measured", measurement });
  }
  session.close("closed", `user-${number}`);
  // As all that reads an id does: whole, not as the parts that it was made of.
  return JSON.parse(JSON.stringify(session.id));
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
async function heapBytes(): Promise<number> {
  // Timers that were cleared are freed once the loop has turned.
  await sleep(1_500);
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

const { sessions: count, most } = argumentOfChild<EndedTask>();
/** The number of newest sessions, of which more is kept. */
const newest = 200;
let number = 0;
while (number < newest) play(number++);
const before = await heapBytes();
while (number < newest + count) play(number++);
const after = await heapBytes();
const ids: string[] = [];
while (ids.length < most) ids.push(play(number++));
const kept = ids.filter((id) => sessions.get(id)).length;
finishChild({ bytes: (after - before) / count, kept } satisfies EndedResult);
