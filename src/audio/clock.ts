import { now } from "../shared/protocol.ts";

/** A clock with alarms, so that tests of paced work need not wait. */
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
