import type { Log } from "../log.ts";
import type { Message } from "../model/message.ts";
import { type Sentence, SentenceSplitter } from "../speech-text/sentences/sentence-splitter.ts";
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
  /** Takes the verdict on these words, once the answer is wanted. */
  readonly onVerdict: (isBlocked: boolean) => void;
}

/** An answer of which nothing is given before the guards have no objection: to its question, and to each of its sentences. */
export class GuardedAnswer implements Answer {
  /** The answer as its responder knows it. */
  readonly inner: Answer;
  readonly #options: GuardedOptions;
  readonly #over = new AbortController();
  readonly #question: Promise<Blocked | null>;
  readonly #splitter = new SentenceSplitter();
  #isJudged = false;
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

  /** Returns whether the words that are answered were judged. */
  get isJudged(): boolean {
    return this.#isJudged;
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
    this.#over.signal.throwIfAborted();
    this.#isJudged = true;
    this.#options.onVerdict(blocked !== null);
    if (blocked !== null) {
      this.#block(blocked, give);
      return;
    }
    try {
      const allJudged = () => this.#judge(this.#splitter.flush(), give);
      await this.inner.release((part) => this.#take(part, give), allJudged);
      await allJudged();
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
    // Tools that ran are told of whatever becomes of the words.
    if (this.#blocked !== null && part.type !== "tool" && part.type !== "step") return;
    const judges = this.#options.guards.some(({ say }) => say !== undefined);
    if (judges && (part.type === "text" || part.type === "pause")) {
      const pieces = part.type === "text" ? this.#splitter.push(part.delta) : this.#splitter.flush();
      void this.#judge(pieces, give, part.type === "pause" ? part : null);
      return;
    }
    if (part.type === "text" || part.type === "words") this.#given += part.delta;
    give(part);
  }

  /**
   * Has pieces judged behind those before them, and gives a part behind them. Resolves when that is done; rejects where the answer is
   * not wanted any more.
   */
  #judge(
    pieces: readonly Sentence[],
    give: (part: AnswerPart) => void,
    behind: AnswerPart | null = null,
  ): Promise<void> {
    this.#judged = this.#judged.then(async () => {
      await this.#judgeAll(pieces, give);
      if (behind !== null && this.#blocked === null) give(behind);
    });
    // It is awaited as all is written; until then a rejection is not unhandled.
    this.#judged.catch(() => undefined);
    return this.#judged;
  }

  async #judgeAll(pieces: readonly Sentence[], give: (part: AnswerPart) => void): Promise<void> {
    const { guards, log } = this.#options;
    const some = guards.filter(({ say }) => say !== undefined);
    const { signal } = this.#over;
    for (const { text } of pieces) {
      if (this.#blocked !== null) return;
      const words = { text, before: this.#given };
      const blocked = await judge(some, "say", (guard, over) => guard.say?.(words, over), { log, signal });
      signal.throwIfAborted();
      if (blocked !== null) {
        this.#block(blocked, give);
        return;
      }
      this.#given += text;
      give({ type: "text", delta: text, endsSentence: true });
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
