import type { Message } from "../model/message.ts";
import { nothingHeard } from "./heard.ts";
import type { Answer } from "./responder.ts";
import type { TurnParts } from "./turn-parts.ts";

/** The answer that a turn has begun, if it has, and what it was begun for. */
export class BegunAnswer {
  readonly #parts: Pick<TurnParts, "responder" | "conversation">;
  #answer: Answer | null = null;
  /** The words that it answers, and the last of the conversation when it was begun. */
  #begunFor: { readonly text: string; readonly after: Message | undefined } | null = null;

  constructor(parts: Pick<TurnParts, "responder" | "conversation">) {
    this.#parts = parts;
  }

  get current(): Answer | null {
    return this.#answer;
  }

  /** Returns whether it was begun for just these words. */
  isFor(text: string): boolean {
    return this.#begunFor?.text === text;
  }

  /** Begins one in place of any before. */
  begin(messages: readonly Message[], text: string, heardAs?: string): void {
    this.abandon();
    const { responder, conversation } = this.#parts;
    this.#begunFor = { text, after: conversation.messages.at(-1) };
    const history = conversation.messages;
    this.#answer = responder.begin({ messages, history, ...(heardAs === undefined ? {} : { heardAs }) });
  }

  /** Takes one that is under way. */
  adopt(answer: Answer): void {
    this.#answer = answer;
  }

  /** Drops one that does not know what was said since it was begun. A model that hears knows it. */
  abandonStale(): void {
    const { responder, conversation } = this.#parts;
    if (!responder.hears && conversation.messages.at(-1) !== this.#begunFor?.after) this.abandon();
  }

  abandon(): void {
    this.#answer?.end(nothingHeard);
    this.#answer = null;
    this.#begunFor = null;
  }
}
