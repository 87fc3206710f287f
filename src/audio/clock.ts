import { now } from "../protocol.ts";

/** What time it is, and a wake-up call: so that what is paced can be tested without waiting. */
export interface Clock {
  /** Epoch milliseconds that never go back. */
  now(): number;
  /** Calls `wake` once, about `ms` from now; 0: as soon as others had their turn. Returns what calls it off. */
  alarm(ms: number, wake: () => void): () => void;
}

export const systemClock: Clock = {
  now,
  alarm(ms, wake) {
    if (ms <= 0) {
      const immediate = setImmediate(wake);
      return () => clearImmediate(immediate);
    }
    // Timers drop fractions of a millisecond, so this rings early rather than late: up to one.
    const timer = setTimeout(wake, ms);
    return () => clearTimeout(timer);
  },
};
