const MiB = 2 ** 20;
const GiB = 2 ** 30;

export const memoryConstants = {
  /** The memory that a session usually takes. The default capacity is derived from the same figure. */
  sessionBytes: 96 * MiB,
  /** The memory that V8 keeps of ended sessions, beside what the process took before its first thread. */
  spareBytes: 32 * MiB,
  mostSoftMb: 384,
  mostHardMb: 1_024,
  /**
   * The least hard limit that is derived, in MiB. An agent with the SDKs of three providers holds some 30 MiB, and as
   * much again in garbage: less than this would cut calls.
   */
  leastHardMb: 192,
  /** The part of the hard limit at which a session is asked to close. */
  softShare: 0.75,
} as const;

export interface MemoryRoom {
  /** The memory that the process may use. */
  readonly memoryBytes: number;
  /** The most threads at a time. */
  readonly capacity: number;
  /** The memory that the process uses before its first thread. */
  readonly baseBytes: number;
}

export interface ThreadLimits {
  /** The memory of a session beyond which it is asked to close, in MiB. */
  readonly softMb: number;
  /** The memory of a thread beyond which it is ended at once, in MiB. */
  readonly hardMb: number;
}

/** Returns the use, in bytes, from which on threads that hold more than they should are ended at once. */
export const firstMark = (limitBytes: number): number => limitBytes - Math.min(limitBytes * 0.15, GiB);

/** Returns the use, in bytes, from which on the thread that holds most is ended, however much that is. */
export const lastMark = (limitBytes: number): number => limitBytes - Math.min(limitBytes * 0.06, GiB / 4);

/**
 * Returns the memory that one thread may hold so that the process stays below the guard's first mark while all the
 * other threads hold what is usual. Where the process has plenty it is the most that any agent should need. Limits that
 * are given stay as they are.
 */
export function deriveThreadLimits(
  room: MemoryRoom,
  given: { readonly softMb?: number | undefined; readonly hardMb?: number | undefined } = {},
): ThreadLimits {
  const { mostSoftMb, mostHardMb, leastHardMb, softShare } = memoryConstants;
  const fitting = Math.max(leastHardMb, Math.floor(oneThreadBytes(room) / MiB));
  const hardMb =
    given.hardMb ?? Math.min(mostHardMb, Math.max(fitting, Math.ceil((given.softMb ?? 0) / softShare)));
  const softMb = given.softMb ?? Math.min(mostSoftMb, Math.floor(hardMb * softShare));
  return { softMb, hardMb };
}

/** Returns why a thread at its limit would take the process beyond its own; null where it would not. */
export function limitWarning(room: MemoryRoom, { hardMb }: ThreadLimits): string | null {
  const fittingMb = Math.max(0, Math.floor(oneThreadBytes(room) / MiB));
  if (hardMb <= fittingMb) return null;
  return (
    `A thread may hold ${hardMb} MiB (heapLimitMb), but ${Math.round(room.memoryBytes / MiB)} MiB of memory leave ${fittingMb} MiB ` +
    `for one beside ${room.capacity - 1} others (maxConcurrentSessions): threads may be ended before they reach their limit`
  );
}

function oneThreadBytes({ memoryBytes, capacity, baseBytes }: MemoryRoom): number {
  const { sessionBytes, spareBytes } = memoryConstants;
  const forThreads = firstMark(memoryBytes) - baseBytes - spareBytes;
  return forThreads - (capacity - 1) * Math.min(sessionBytes, forThreads / capacity);
}
