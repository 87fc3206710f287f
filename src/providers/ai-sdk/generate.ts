import { BackOff, pause } from "../../shared/back-off.ts";
import { DeadlineError } from "../../shared/deadline.ts";
import { AiSdkError, asFailure, isPassing } from "./errors.ts";

const backOff = new BackOff({ firstMs: 100, jitter: [1, 1.5] });

export interface GenerateOptions {
  /** The vendor, for errors. */
  readonly vendor: string;
  /** The result that is waited for, for the error of a wait that is too long. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly maxRetries: number;
  readonly signal: AbortSignal;
}

/**
 * Makes a request whose response comes as a whole, again where that helps. Rejects with an `AiSdkError`, a `DeadlineError`, or the reason
 * of the signal.
 */
export async function generate<Result>(
  ask: (signal: AbortSignal) => PromiseLike<Result>,
  { vendor, what, timeoutMs, maxRetries, signal }: GenerateOptions,
): Promise<Result> {
  signal.throwIfAborted();
  const deadline = AbortSignal.timeout(timeoutMs);
  const all = AbortSignal.any([signal, deadline]);
  for (let retries = 0; ; retries++) {
    try {
      return await ask(all);
    } catch (error) {
      signal.throwIfAborted();
      if (deadline.aborted) {
        throw new DeadlineError(`The ${what} of ${vendor} took longer than ${timeoutMs} ms`, "timeoutMs");
      }
      const failure = asFailure(error, vendor);
      if (retries >= maxRetries || !isPassing(failure)) throw failure;
      const asked = failure instanceof AiSdkError ? (failure.retryDelayMs ?? 0) : 0;
      // Where the wait is longer than the time, the next attempt ends at once, with the right error.
      await pause(Math.max(asked, backOff.pauseMs(retries + 1)), { signal: all }).catch(() => undefined);
    }
  }
}
