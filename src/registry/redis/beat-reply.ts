import type { Change } from "./fleet/fleet-copy.ts";

/** The answer of the script `beat`. */
export type BeatReply = readonly [
  /** The result of the heartbeat. After `late` and `unknown` only the time follows. */
  status: "ok" | "late" | "unknown",
  time: string,
  refused: readonly string[],
  superseded: readonly string[],
  more: number,
  untold: readonly string[],
  peers: readonly string[],
  suspects: readonly string[],
  messages: readonly string[],
  waiting: readonly [count: number, oldestSince: string],
  birth: string,
  fences: readonly string[],
  changeCount: string,
  changes: readonly Change[],
  ownSessions: number,
  /** The time at which it was noticed that Redis has old data, for five seconds; empty otherwise. */
  rolledBack: string,
  orphans: number,
  /** The time until the next lease of another node ends, in milliseconds; empty: there is no other. */
  nextEndMs: string,
];
