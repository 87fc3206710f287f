import type { PlainError } from "../../shared/errors.ts";

/** The outcome of a try to make the agent. Dead on arrival: the thread ended before any of the agent's code ran. */
export type Created = "created" | "dead on arrival";

export const createOverdueText = (afterMs: number): string =>
  `createAgent took longer than ${afterMs} ms (createTimeoutMs, --create-timeout-ms)`;

/** The wait for `createAgent`, thread after thread. */
export class Creation {
  readonly #timeoutMs: number;
  readonly #overdue: (cause: PlainError) => void;
  #try: PromiseWithResolvers<Created> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param overdue A function that is called where a try takes longer than `timeoutMs`.
   */
  constructor(timeoutMs: number, overdue: (cause: PlainError) => void) {
    this.#timeoutMs = timeoutMs;
    this.#overdue = overdue;
  }

  /** Begins a try on a thread. Resolves with its outcome; rejects with the error that {@link fail} is given. */
  begin(): Promise<Created> {
    this.#try = Promise.withResolvers();
    clearTimeout(this.#timer);
    const cause = { name: "DeadlineError", message: createOverdueText(this.#timeoutMs) };
    this.#timer = setTimeout(() => this.#overdue(cause), this.#timeoutMs);
    return this.#try.promise;
  }

  settle(created: Created): void {
    this.#try?.resolve(created);
    this.#forget();
  }

  /** Ends the wait, since the agent will not be made. Nothing is reported as unhandled where nobody waits. */
  fail(error: Error): void {
    this.#try?.promise.catch(() => undefined);
    this.#try?.reject(error);
    this.#forget();
  }

  /** Drops the last try, since thousands of ended sessions may be kept, and each would keep its try. */
  #forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#try = undefined;
  }
}
