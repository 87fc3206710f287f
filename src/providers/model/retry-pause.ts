import { BackOff } from "../../shared/back-off.ts";

/** The pause before the first retry, in milliseconds; it doubles. */
const firstMs = 100;

/**
 * Returns the pause before another request to a model, in milliseconds; null where the service asks for a longer one than may be.
 * @param retry The number of retries before, from 0.
 * @param askedMs The pause that the service asks for, in milliseconds.
 */
export function retryPause(retry: number, mostMs: number, askedMs: number | undefined): number | null {
  if (askedMs !== undefined) return askedMs > mostMs ? null : askedMs;
  return new BackOff({ firstMs, mostMs, jitter: [0.5, 1.5] }).pauseMs(retry + 1);
}
