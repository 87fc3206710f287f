import { BackOff } from "../../shared/back-off.ts";

/** A quarter of jitter, so that replicas that fail of one cause do not try again in step. */
const backOff = new BackOff({ firstMs: 250, mostMs: 30_000, jitter: [0.75, 1.25] });
/** The time without a failure after which the pauses begin small again, in milliseconds. */
const forgottenAfterMs = 60_000;

/** The failures of one thing that is tried until it succeeds: the last error, and when the next try may start. */
export class FailureRecord {
  #failures = 0;
  #failedAt = 0;
  #retryAt = 0;
  #error: Error | null = null;

  /** Returns the error of the last try; null once one has succeeded. */
  get failing(): Error | null {
    return this.#error;
  }

  /** Returns the milliseconds until the next try may start; 0 where it may start at once. */
  get pauseMs(): number {
    return Math.max(0, this.#retryAt - performance.now());
  }

  fail(error: Error): void {
    const at = performance.now();
    if (at - this.#failedAt > forgottenAfterMs) this.#failures = 0;
    this.#failures += 1;
    this.#failedAt = at;
    this.#retryAt = at + backOff.pauseMs(this.#failures);
    this.#error = error;
  }

  /**
   * Notes that a try has succeeded. A pause goes on all the same: a try that began before the failure proves nothing.
   */
  succeed(): void {
    this.#error = null;
  }
}
