import type { GuestQuestion, SessionAnswer, SessionQuestion, TakenUp } from "../../shared/protocol.ts";
import type { SteerQuestion } from "../../shared/session/steering.ts";

/** The share of the time for a hand-over after which it need not be between two turns: the end of a sentence will do. */
const sentenceShare = 0.7;

/** The questions about a call that changes hands. */
export type HandOverQuestion = Exclude<SessionQuestion, GuestQuestion | SteerQuestion>;

export interface HandOverOptions {
  /** Fires when the conversation is over. */
  readonly signal: AbortSignal;
  /** Returns whether another agent could take up the call. */
  readonly offered: () => boolean;
  /** Returns whether no turn is under way or waits, and nobody is speaking. */
  readonly quiet: () => boolean;
  /** Begins no turn any more, and cuts the one under way. Returns the time for which its sentence is still heard, in milliseconds. */
  readonly rest: () => number;
  readonly goOn: () => void;
  /** Has clients connect to the agent that takes up the call, in the replica of this name. Resolves once they have, or will not. */
  readonly move: (to: string) => Promise<void>;
  /** Has the agent say no more than its sentence. Resolves with whether it was saying one, and has more to say. */
  readonly endSentence: () => Promise<boolean>;
  /** Tells the state of the call. Returns false where it is too long. */
  readonly tell: () => boolean;
}

/**
 * Has a call change hands: here it is made ready for an agent in another replica, which takes it up between two turns where that is
 * possible, or else after a sentence; there that agent waits for it.
 */
export class HandOver {
  readonly #options: HandOverOptions;
  /** The wait for the end of the turn under way, which resolves with whether the call is still to be handed over. */
  #waiting: PromiseWithResolvers<boolean> | null = null;
  readonly #taken = Promise.withResolvers<TakenUp | null>();
  #rests = false;

  constructor(options: HandOverOptions) {
    this.#options = options;
    options.signal.addEventListener("abort", () => this.#taken.resolve(null), { once: true });
  }

  /** Resolves with the call as it is when it becomes this agent's; with null where the conversation is over before. */
  get taken(): Promise<TakenUp | null> {
    return this.#taken.promise;
  }

  /** Returns whether the agent rests, since its call is handed over. */
  get rests(): boolean {
    return this.#rests;
  }

  /** Answers a question about the hand-over. Never rejects. */
  async answer(question: HandOverQuestion): Promise<SessionAnswer> {
    const { signal, offered, rest, goOn, move, tell } = this.#options;
    this.#waiting?.resolve(false);
    if (signal.aborted) return { outcome: "not_in_call" };
    switch (question.about) {
      case "hand_back":
        this.#rests = false;
        goOn();
        return done;
      case "take_up":
        this.#taken.resolve(question);
        return done;
      case "move":
        await move(question.to);
        return done;
      case "hand_over":
        break;
      default:
        question satisfies never;
    }
    if (!offered()) return { outcome: "not_offered" };
    if (!(await this.#betweenTurns(question.withinMs)))
      return { outcome: "refused", reason: "The call was taken back, or is handed over by another question" };
    if (signal.aborted) return { outcome: "not_in_call" };
    this.#rests = true;
    const soundLeftMs = rest();
    if (tell()) return { outcome: "given", value: { soundLeftMs } };
    this.#rests = false;
    goOn();
    return { outcome: "refused", reason: "The state of the call is too long to be handed over" };
  }

  /** Takes in that a turn is over, or somebody is done speaking. */
  changed(): void {
    if (this.#waiting !== null && this.#options.quiet()) this.#waiting.resolve(true);
  }

  /** Waits until the call is between two turns, this many milliseconds at the most. Returns whether it is still to be handed over. */
  async #betweenTurns(withinMs: number): Promise<boolean> {
    const { signal, quiet, endSentence } = this.#options;
    if (quiet()) return true;
    const waiting = Promise.withResolvers<boolean>();
    this.#waiting = waiting;
    const over = () => waiting.resolve(true);
    const timer = setTimeout(over, withinMs);
    const soften = async () => {
      if (await endSentence()) over();
    };
    const softTimer = setTimeout(() => void soften(), sentenceShare * withinMs);
    signal.addEventListener("abort", over, { once: true });
    try {
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
      clearTimeout(softTimer);
      signal.removeEventListener("abort", over);
      if (this.#waiting === waiting) this.#waiting = null;
    }
  }
}

const done: SessionAnswer = { outcome: "given", value: {} };
