import type { DeepgramError } from "./error.ts";
import type { FilledOptions } from "./options.ts";

/** A caller does not wait longer than this for an answer, in milliseconds, so nothing is gained by trying after it. */
const longestWaitMs = 10_000;

/** A connection that served for so long, in milliseconds, was a good one: what follows is a new trouble. */
export const stableAfterMs = 5_000;

/**
 * Returns the time to wait before the next attempt, in milliseconds, after so many failures in a row; null where there is
 * none. Half of it is random, so that the calls of a whole server do not come back at once.
 */
export function retryDelayMs(
  error: DeepgramError,
  failures: number,
  { connectAttempts, retryDelayMs: first }: FilledOptions,
): number | null {
  if (!error.retryable || failures >= connectAttempts) return null;
  const backOffMs = first * 2 ** (failures - 1) * (0.5 + Math.random() / 2);
  const waitMs = Math.max(Math.min(backOffMs, longestWaitMs), error.retryAfterMs ?? 0);
  return waitMs > longestWaitMs ? null : waitMs;
}
