import { setTimeout as sleep } from "node:timers/promises";
import { machineNow } from "../clock.ts";
import type { Random } from "../random.ts";
import { Line, type LineOptions } from "./line.ts";
import { type Wish, wishes, wishIn, wordSound } from "./sound.ts";
import { SpokenCall } from "./spoken-call.ts";

export interface ConversationOptions extends Pick<LineOptions, "url" | "token" | "goesOn"> {
  readonly sessionId: string;
  readonly random: Random;
  /** Fires when nothing more is to be said. */
  readonly signal: AbortSignal;
}

/** The times in milliseconds. A word that is not taken is said again; one that is taken is owed an answer. */
const patience = { taken: 3_000, answered: 60_000, quiet: 500 };
const turns = { least: 1, most: 4 };
const lookMs = 50;

/** One caller talks with an agent: word after word, each with a number of its own, and at last asks for all of them. */
export class Conversation {
  readonly call: SpokenCall;
  readonly #options: ConversationOptions;
  readonly #line: Line;
  #word = 0;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.call = new SpokenCall(options.sessionId);
    this.#line = new Line({
      ...options,
      onSound: (bytes) => this.call.hear(bytes),
      onMessage: ({ type, role, final, text }) => {
        if (type === "transcript" && final === true && typeof text === "string") this.call.read(role, text);
      },
    });
  }

  /** Resolves when the caller is done, or the call is over. */
  async run(): Promise<void> {
    const { random } = this.#options;
    try {
      for (let left = random.between(turns.least, turns.most); left > 0 && this.#goesOn; left -= 1) {
        const word = await this.#say(random.chance(0.5) ? "story" : "short");
        if (word === null) continue;
        if (wishIn(word) === "story" && random.chance(0.3)) await this.#pause(random.between(500, 4_000));
        else await this.#answered(word);
        await this.#pause(random.between(200, 1_500));
      }
      await this.#list();
    } finally {
      this.#line.close();
    }
  }

  get #goesOn(): boolean {
    return !this.#line.over && !this.#options.signal.aborted;
  }

  /** Asks for all words that were said, until they are told. */
  async #list(): Promise<void> {
    const since = machineNow();
    const word = this.#goesOn ? await this.#say("list") : null;
    if (word === null) {
      if (this.#goesOn) this.call.unansweredSince = since;
      return;
    }
    await this.#until(() => this.call.list?.asked === word, patience.answered);
    if (this.call.list?.asked !== word && this.#goesOn) this.call.unansweredSince = since;
  }

  /** Says a word, and another one of its kind where it is not taken. Resolves with the one that was taken; null where none is. */
  async #say(wish: Wish): Promise<number | null> {
    const until = machineNow() + patience.answered;
    while (this.#goesOn && machineNow() < until) {
      if (!this.#line.joined) {
        await this.#pause(lookMs);
        continue;
      }
      const word = this.#next(wish);
      this.#line.say(wordSound(word));
      await this.#until(() => this.call.taken.has(word), patience.taken);
      if (this.call.taken.has(word)) return word;
    }
    return null;
  }

  /** Resolves once a word is answered, and the agent is quiet. */
  async #answered(word: number): Promise<void> {
    const since = machineNow();
    const isAnswered = () => this.call.isAnswered(word) && this.call.quietMs > patience.quiet;
    await this.#until(isAnswered, patience.answered);
    if (!this.call.isAnswered(word) && this.#goesOn) this.call.unansweredSince ??= since;
  }

  #next(wish: Wish): number {
    do this.#word += 1;
    while (wishIn(this.#word) !== wish || this.#word < wishes.length);
    return this.#word;
  }

  async #until(holds: () => boolean, withinMs: number): Promise<void> {
    const until = machineNow() + withinMs;
    while (!holds() && this.#goesOn && machineNow() < until) await this.#pause(lookMs);
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#options.signal }).catch(() => undefined);
  }
}
