import type { SessionAnswer, SessionQuestion } from "../../shared/protocol.ts";

export interface HandOverOptions {
  /** Fires when the conversation is over. */
  readonly signal: AbortSignal;
  /** Returns whether another agent could take up the call. */
  readonly offered: () => boolean;
  /** Returns whether no turn is under way or waits, and nobody is speaking. */
  readonly quiet: () => boolean;
  /** Begins no turn any more, and cuts the one under way. */
  readonly rest: () => void;
  readonly goOn: () => void;
  /** Tells the state of the call. Returns false where it is too long. */
  readonly tell: () => boolean;
}

/** Makes the call ready for an agent in another replica, which takes it up between two turns where that is possible. */
export class HandOver {
  readonly #options: HandOverOptions;
  /** The wait for the end of the turn under way, which resolves with whether the call is still to be handed over. */
  #waiting: PromiseWithResolvers<boolean> | null = null;

  constructor(options: HandOverOptions) {
    this.#options = options;
  }

  /** Answers a question about the hand-over. Never rejects. */
  async answer(
    question: Extract<SessionQuestion, { about: "hand_over" | "hand_back" }>,
  ): Promise<SessionAnswer> {
    const { signal, offered, rest, goOn, tell } = this.#options;
    this.#waiting?.resolve(false);
    if (signal.aborted) return { outcome: "not_in_call" };
    if (question.about === "hand_back") {
      goOn();
      return done;
    }
    if (!offered()) return { outcome: "not_offered" };
    if (!(await this.#betweenTurns(question.withinMs)))
      return { outcome: "refused", reason: "The call was taken back, or is handed over by another question" };
    if (signal.aborted) return { outcome: "not_in_call" };
    rest();
    if (tell()) return done;
    goOn();
    return { outcome: "refused", reason: "The state of the call is too long to be handed over" };
  }

  /** Takes in that a turn is over, or somebody is done speaking. */
  changed(): void {
    if (this.#waiting !== null && this.#options.quiet()) this.#waiting.resolve(true);
  }

  /** Waits until the call is between two turns, this many milliseconds at the most. Returns whether it is still to be handed over. */
  async #betweenTurns(withinMs: number): Promise<boolean> {
    const { signal, quiet } = this.#options;
    if (quiet()) return true;
    const waiting = Promise.withResolvers<boolean>();
    this.#waiting = waiting;
    const over = () => waiting.resolve(true);
    const timer = setTimeout(over, withinMs);
    signal.addEventListener("abort", over, { once: true });
    try {
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", over);
      if (this.#waiting === waiting) this.#waiting = null;
    }
  }
}

const done: SessionAnswer = { outcome: "given", value: {} };
