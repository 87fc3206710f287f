import type { EndReason } from "../protocol.ts";

/** Epoch milliseconds of the steps of a start; null until reached. */
export interface SessionTimeline {
  assignedAt: number | null;
  enteredAt: number | null;
  createdAt: number | null;
  joinedAt: number | null;
  /** How long the agent waits for somebody else once it has joined, at the most, in milliseconds; null: it does not. */
  waitsMs: number | null;
}

export const newTimeline = (): SessionTimeline => ({
  assignedAt: null,
  enteredAt: null,
  createdAt: null,
  joinedAt: null,
  waitsMs: null,
});

/** What became of a try to make the agent. Dead on arrival: the thread died before any of the agent's code ran. */
export type Created = "created" | "dead on arrival";

export const createOverdueText = (afterMs: number): string =>
  `createAgent took longer than ${afterMs} ms (createTimeoutMs, --create-timeout-ms)`;

/** The wait for `createAgent`, thread after thread. */
export class Creation {
  readonly #timeoutMs: number;
  readonly #overdue: (afterMs: number) => void;
  #try: PromiseWithResolvers<Created> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param overdue Called where a try takes longer than `timeoutMs`. */
  constructor(timeoutMs: number, overdue: (afterMs: number) => void) {
    this.#timeoutMs = timeoutMs;
    this.#overdue = overdue;
  }

  /** A thread tries. Resolves with what became of it; rejects with what {@link fail} is given. */
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

  /** It will not come to be. Nobody has to hear of it. */
  fail(error: Error): void {
    this.#try?.promise.catch(() => undefined);
    this.#try?.reject(error);
    this.#forget();
  }

  /** Thousands of ended sessions may be kept, each with this. */
  #forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#try = undefined;
  }
}

/** What a start is answered with whose session ended before it began. Another replica may have room for it, but for a failure. */
export function startCodeOf(reason: EndReason | null): "DRAINING" | "REGISTRY_UNAVAILABLE" | "START_FAILED" {
  if (reason === "drained") return "DRAINING";
  return reason === "lost" ? "REGISTRY_UNAVAILABLE" : "START_FAILED";
}
