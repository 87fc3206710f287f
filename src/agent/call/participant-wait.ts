/** Waits for somebody who joins the agent in its call, or types to it, be it before the agent is there. */
export class ParticipantWait {
  #typed = false;
  #waiting: ((came: boolean) => void) | null = null;

  /** Resolves with true when somebody comes; with false after `timeoutMs` (null: at once), or when the signal fires. */
  async wait(timeoutMs: number | null, signal: AbortSignal): Promise<boolean> {
    if (this.#typed || timeoutMs === null) return this.#typed;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiting = resolve;
    const timer = setTimeout(resolve, timeoutMs, false);
    const aborted = () => resolve(false);
    signal.addEventListener("abort", aborted, { once: true });
    if (signal.aborted) aborted();
    try {
      return await promise;
    } finally {
      this.#waiting = null;
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
    }
  }

  typed(): void {
    this.#typed = true;
    this.came();
  }

  /** Takes in that somebody is seen in the call. */
  came(): void {
    this.#waiting?.(true);
  }
}
