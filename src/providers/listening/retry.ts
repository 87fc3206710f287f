import { BackOff } from "../../shared/back-off.ts";
import type { ListeningError, ListeningSettings } from "./recogniser.ts";

/** The longest wait before an attempt, in milliseconds: a caller does not wait longer for an answer. */
const longestWaitMs = 10_000;

/**
 * The age of a connection after which a failure of it does not count as a failure in a row, in milliseconds.
 */
export const stableAfterMs = 5_000;

/**
 * Returns the wait before the next attempt, in milliseconds, after so many failures in a row; null where
 * there is none. Half of it is random, so that the calls of one server do not all reconnect at once.
 */
export function retryDelayMs(
  error: ListeningError,
  failures: number,
  { connectAttempts, retryDelayMs: firstMs }: Pick<ListeningSettings, "connectAttempts" | "retryDelayMs">,
): number | null {
  if (!error.retryable || failures >= connectAttempts) return null;
  const backOff = new BackOff({ firstMs, mostMs: longestWaitMs, jitter: [0.5, 1] });
  const waitMs = Math.max(backOff.pauseMs(failures), error.retryAfterMs ?? 0);
  return waitMs > longestWaitMs ? null : waitMs;
}
