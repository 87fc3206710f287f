import { DeadlineError } from "../../../shared/deadline.ts";

/** A timer for one wait at a time for something of a peer. */
export class WaitTimer {
  readonly #expired: (error: DeadlineError) => void;
  #timer: NodeJS.Timeout | undefined;
  #overdue = false;

  /** Takes the function that is called where a wait took too long. */
  constructor(expired: (error: DeadlineError) => void) {
    this.#expired = expired;
  }

  /** Waits for this from now on, and for nothing else. `ms` null: there is no limit. */
  wait(what: string, ms: number | null): void {
    this.stop();
    if (ms === null) return;
    const expire = () => {
      if (this.#overdue) this.#expired(new DeadlineError(`${what} took longer than ${ms} ms`));
    };
    // Where this process was late itself, the answer may lie there: timers come before it in a turn of the event loop.
    this.#timer = setTimeout(() => {
      this.#overdue = true;
      setImmediate(expire);
    }, ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#overdue = false;
  }
}
