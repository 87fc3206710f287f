import type { Measurement } from "../../shared/protocol.ts";
import type { CallContext } from "../call/call-context.ts";
import { Reply, type ReplyOptions } from "../model/reply.ts";

/**
 * One go at an answer. It may begin before the turn is over: its text is held, and no tool runs, until it is released.
 * What was begun in vain is cancelled, and nobody learns of it but the metrics.
 */
export class AnswerAttempt {
  /** The words that it answers. */
  readonly question: string;
  readonly reply: Reply;
  /** Settles when the model has said all. */
  readonly done: Promise<void>;
  readonly #cancel = new AbortController();
  readonly #released = Promise.withResolvers<void>();
  #onText: ((text: string) => void) | null = null;
  #held = "";

  constructor(
    context: CallContext,
    question: string,
    options: Omit<ReplyOptions, "signal" | "onText" | "mayRunTools">,
    signal: AbortSignal,
  ) {
    this.question = question;
    this.#released.promise.catch(() => undefined);
    this.reply = new Reply(context, {
      ...options,
      signal: AbortSignal.any([signal, this.#cancel.signal]),
      onText: (text) => {
        if (this.#onText) this.#onText(text);
        else this.#held += text;
      },
      mayRunTools: () => this.#released.promise,
    });
    this.done = this.reply.run();
    // Whoever releases it waits for it; one that is cancelled rejects to nobody.
    this.done.catch(() => undefined);
  }

  /** The turn is over, and these were its words: what was held goes out, then the rest as it comes. */
  release(onText: (text: string) => void): void {
    this.#onText = onText;
    if (this.#held !== "") onText(this.#held);
    this.#held = "";
    this.#released.resolve();
  }

  /** Closes the model's stream. Returns what it cost. */
  cancel(): Measurement {
    const reason = new DOMException("The participant went on speaking", "AbortError");
    this.#cancel.abort(reason);
    this.#released.reject(reason);
    return this.reply.measure("cancelled");
  }
}
