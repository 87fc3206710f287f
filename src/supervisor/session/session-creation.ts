import type { SessionTimeline } from "../../api/session.ts";
/** The times of the steps of a start, as they are filled in. */
export type OpenTimeline = { -readonly [Step in keyof SessionTimeline]: SessionTimeline[Step] };

export const newTimeline = (): OpenTimeline => ({
  assignedAt: null,
  enteredAt: null,
  createdAt: null,
  joinedAt: null,
  waitsMs: null,
});

/** The outcome of a try to make the agent. Dead on arrival: the thread ended before any of the agent's code ran. */
export type Created = "created" | "dead on arrival";

export const createOverdueText = (afterMs: number): string =>
  `createAgent took longer than ${afterMs} ms (createTimeoutMs, --create-timeout-ms)`;

/** The wait for `createAgent`, thread after thread. */
export class Creation {
  readonly #timeoutMs: number;
  readonly #overdue: (afterMs: number) => void;
  #try: PromiseWithResolvers<Created> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param overdue A function that is called where a try takes longer than `timeoutMs`.
   */
  constructor(timeoutMs: number, overdue: (afterMs: number) => void) {
    this.#timeoutMs = timeoutMs;
    this.#overdue = overdue;
  }

  /** Begins a try on a thread. Resolves with its outcome; rejects with the error that {@link fail} is given. */
  begin(): Promise<Created> {
    this.#try = Promise.withResolvers();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#overdue(this.#timeoutMs), this.#timeoutMs);
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
