import type { Slot } from "../slot.ts";

/** What is known of a thread when the process comes near its limit. */
export interface Candidate {
  readonly slot: Slot;
  /** 0 for one that is not known yet, since it still starts. */
  readonly heldBytes: number;
  /** For how long it has owed an answer, in milliseconds. */
  readonly silentMs: number;
  readonly nestedWorkers: number;
  /** Share of the last moments that it was busy, 0 to 1. */
  readonly busy: number;
}

export interface Pressure {
  /** A thread that holds more than this holds more than it should. */
  readonly allowedBytes: number;
  /** What the process uses beyond what its threads are known to hold, and beyond what is usual. */
  readonly unexplainedBytes: number;
  /** No thread may be spared any longer. */
  readonly last: boolean;
  /** Another thread is being ended: what is not explained may be of that one. */
  readonly waiting: boolean;
}

export interface Eater extends Candidate {
  /** What it is thought to hold, in bytes. */
  readonly bytes: number;
  /** Its own memory is known to be that much; else it is the most likely one. */
  readonly known: boolean;
}

/** Which thread has to end; null where nobody should. */
export function findEater(candidates: readonly Candidate[], pressure: Pressure): Eater | null {
  const { allowedBytes, unexplainedBytes, last, waiting } = pressure;
  const largest = best(candidates, (one) => one.heldBytes);
  const suspect = best(candidates, suspicion);
  if (!largest || !suspect) return null;
  const known = waiting || largest.heldBytes >= unexplainedBytes;
  const bytes = known ? largest.heldBytes : unexplainedBytes;
  if (bytes <= allowedBytes && (waiting || !last)) return null;
  return { ...(known ? largest : suspect), bytes, known };
}

/** A thread that does not answer is in a long native call or a garbage collection: that is what those who take memory do. */
const silentAfterMs = 20;

/**
 * How likely it is that memory which no thread accounts for is of this one: memory that is shared between threads, messages that nobody
 * reads, worker threads of worker threads.
 */
function suspicion({ silentMs, nestedWorkers, busy }: Candidate): number {
  return (silentMs > silentAfterMs ? 4 : 0) + (nestedWorkers > 0 ? 2 : 0) + busy;
}

function best(candidates: readonly Candidate[], rank: (one: Candidate) => number): Candidate | undefined {
  let found: Candidate | undefined;
  for (const one of candidates) if (found === undefined || rank(one) > rank(found)) found = one;
  return found;
}
