import { DeadlineError } from "../../../shared/deadline.ts";

/** A timer for the answers of a peer, one wait at a time. */
export class WaitTimer {
  readonly #expired: (error: DeadlineError) => void;
  #timer: NodeJS.Timeout | undefined;
  #overdue = false;

  /** Takes the function that is called where a wait took too long. */
  constructor(expired: (error: DeadlineError) => void) {
    this.#expired = expired;
  }

  /** Replaces the wait by this one. `ms` null: there is no limit. */
  wait(what: string, ms: number | null): void {
    this.stop();
    if (ms === null) return;
    const expire = () => {
      if (this.#overdue) this.#expired(new DeadlineError(`${what} took longer than ${ms} ms`));
    };
    // Where this process was late itself, the answer may have arrived: in a turn of the event loop timers run
    // before sockets are read.
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
