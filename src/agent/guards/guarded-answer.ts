import type { Log } from "../log.ts";
import type { Message } from "../model/message.ts";
import { SentenceSplitter } from "../speech-text/sentences/sentence-splitter.ts";
import { cutToHeard } from "../turns/conversation.ts";
import { type Heard, nothingHeard } from "../turns/heard.ts";
import type { Answer, AnswerPart } from "../turns/responder.ts";
import type { Guard, HeardWords } from "./guard.ts";
import { type Blocked, judge } from "./judge.ts";

export interface GuardedOptions {
  readonly guards: readonly Guard[];
  readonly log: Log;
  /** The words that are answered; null where they are not a participant's, or not known. */
  readonly words: HeardWords | null;
}

/** An answer of which nothing is given before the guards have no objection: to its question, and to each of its sentences. */
export class GuardedAnswer implements Answer {
  /** The answer as its responder knows it. */
  readonly inner: Answer;
  readonly #options: GuardedOptions;
  readonly #over = new AbortController();
  readonly #question: Promise<Blocked | null>;
  readonly #splitter = new SentenceSplitter();
  /** The words that were given of the answer. */
  #given = "";
  #blocked: Blocked | null = null;
  /** The words that are said instead of what was blocked. */
  #instead = "";
  /** The judgement of what was written so far. */
  #judged: Promise<void> = Promise.resolve();

  constructor(inner: Answer, options: GuardedOptions) {
    this.inner = inner;
    this.#options = options;
    this.#question = this.#judgeQuestion();
    // Of an answer that is dropped nobody waits for it.
    this.#question.catch(() => undefined);
  }

  get firstPartAt(): number | null {
    return this.inner.firstPartAt;
  }

  get messages(): readonly Message[] {
    const { messages } = this.inner;
    if (this.#blocked === null) return messages;
    const instead: Message = { role: "agent", text: this.#instead, toolCalls: [] };
    return this.#blocked.stage === "heard"
      ? [instead]
      : [...cutToHeard(messages, this.#given.length), instead];
  }

  get underWay(): readonly Message[] {
    return this.#blocked === null ? (this.inner.underWay ?? this.inner.messages) : this.messages;
  }

  async release(give: (part: AnswerPart) => void): Promise<void> {
    const blocked = await this.#question;
    if (blocked !== null) {
      this.#block(blocked, give);
      return;
    }
    try {
      await this.inner.release((part) => this.#take(part, give));
      this.#judged = this.#judged.then(() => this.#judgeAll(this.#splitter.flush(), give));
      await this.#judged;
    } catch (error) {
      if (this.#blocked === null) throw error;
    }
  }

  end(heard: Heard | null): void {
    this.#over.abort(new DOMException("The answer is not wanted any more", "AbortError"));
    this.inner.end(heard);
  }

  async #judgeQuestion(): Promise<Blocked | null> {
    const { words, guards, log } = this.#options;
    const some = guards.filter(({ heard }) => heard !== undefined);
    if (words === null || words.text === "" || some.length === 0) return null;
    const { signal } = this.#over;
    return judge(some, "heard", (guard, over) => guard.heard?.(words, over), { log, signal });
  }

  #take(part: AnswerPart, give: (part: AnswerPart) => void): void {
    if (this.#blocked !== null) return;
    const judges = this.#options.guards.some(({ say }) => say !== undefined);
    if (judges && (part.type === "text" || part.type === "pause")) {
      const pieces = part.type === "text" ? this.#splitter.push(part.delta) : this.#splitter.flush();
      this.#judged = this.#judged.then(async () => {
        await this.#judgeAll(pieces, give);
        if (part.type === "pause" && this.#blocked === null) give(part);
      });
      // It is awaited as all is written; until then a rejection is not unhandled.
      this.#judged.catch(() => undefined);
      return;
    }
    if (part.type === "text" || part.type === "words") this.#given += part.delta;
    give(part);
  }

  async #judgeAll(
    pieces: readonly { readonly text: string }[],
    give: (part: AnswerPart) => void,
  ): Promise<void> {
    const { guards, log } = this.#options;
    const some = guards.filter(({ say }) => say !== undefined);
    const { signal } = this.#over;
    for (const { text } of pieces) {
      if (this.#blocked !== null) return;
      const words = { text, before: this.#given };
      const blocked = await judge(some, "say", (guard, over) => guard.say?.(words, over), { log, signal });
      if (blocked !== null) {
        this.#block(blocked, give);
        return;
      }
      this.#given += text;
      give({ type: "text", delta: text });
    }
  }

  #block(blocked: Blocked, give: (part: AnswerPart) => void): void {
    this.#blocked = blocked;
    const characters = this.#given.length;
    this.inner.end(blocked.stage === "heard" ? nothingHeard : { ms: 0, characters });
    give({ type: "blocked", blocked });
    const separates = this.#given === "" || /\s$/.test(this.#given) || blocked.line === "";
    this.#instead = `${separates ? "" : " "}${blocked.line}`;
    if (this.#instead !== "") give({ type: "text", delta: this.#instead });
  }
}
