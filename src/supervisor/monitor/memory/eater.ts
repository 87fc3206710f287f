import type { Slot } from "../../threads/slot.ts";

/** The facts that are known of a thread when the process comes near its limit. */
export interface Candidate {
  readonly slot: Slot;
  /** The memory that it is known to hold, in bytes; 0 for a thread that is still starting. */
  readonly heldBytes: number;
  /** The time for which it has not answered a question about its memory, in milliseconds. */
  readonly silentMs: number;
  readonly nestedWorkers: number;
  /** The share of the last moments that it was busy, 0 to 1. */
  readonly busy: number;
}

export interface Pressure {
  /** The memory that a thread may hold before it is ended, in bytes. */
  readonly allowedBytes: number;
  /** The memory that the process uses beyond what its threads are known to hold, and beyond what is usual, in bytes. */
  readonly unexplainedBytes: number;
  /** True where no thread may be spared any longer. */
  readonly last: boolean;
  /** True while another thread is being ended: memory that is not explained may be of that one. */
  readonly waiting: boolean;
}

export interface Eater extends Candidate {
  /** The memory that it is thought to hold, in bytes. */
  readonly bytes: number;
  /** True where its own memory is known to be that much; else it is the most likely one. */
  readonly known: boolean;
}

/** Returns the thread that has to end; null where none has to. */
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

/**
 * The time after which a thread that does not answer is suspected, in milliseconds. It is in a long native call or a
 * garbage collection, as threads are that take memory.
 */
const silentAfterMs = 20;

/**
 * Returns how likely it is that memory which no thread accounts for is of this one: memory that is shared between
 * threads, messages that nobody reads, worker threads of worker threads.
 */
function suspicion({ silentMs, nestedWorkers, busy }: Candidate): number {
  return (silentMs > silentAfterMs ? 4 : 0) + (nestedWorkers > 0 ? 2 : 0) + busy;
}

function best(candidates: readonly Candidate[], rank: (one: Candidate) => number): Candidate | undefined {
  let found: Candidate | undefined;
  for (const one of candidates) if (found === undefined || rank(one) > rank(found)) found = one;
  return found;
}
