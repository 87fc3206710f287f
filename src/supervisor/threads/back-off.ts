/** The first and the longest pause between tries that fail, in milliseconds. */
const firstMs = 250;
const longestMs = 30_000;
/** The time without a failure after which the pauses begin small again, in milliseconds. */
const forgottenAfterMs = 60_000;

/** Counts tries that fail: it sets growing pauses between them, and keeps the error of the last one. */
export class BackOff {
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
    // A quarter of jitter, so that replicas that fail of one cause do not retry in step.
    const pauseMs = Math.min(longestMs, firstMs * 2 ** this.#failures) * (0.75 + Math.random() / 2);
    this.#failures += 1;
    this.#failedAt = at;
    this.#retryAt = at + pauseMs;
    this.#error = error;
  }

  /**
   * Notes that a try has succeeded. A pause goes on all the same: a try that began before the failure proves nothing.
   */
  succeed(): void {
    this.#error = null;
  }
}
