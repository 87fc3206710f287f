import type { CallContext } from "../call/call-context.ts";
import { errorKind } from "../error-kind.ts";
import type { Answer, AnswerPart } from "../turns/responder.ts";
import type { Message } from "./message.ts";
import { Reply, type ReplyOptions } from "./reply.ts";

/** An answer of a text model. One that is ended before it was released leaves no trace but its cost in the metrics. */
export class PipelineAnswer implements Answer {
  readonly #context: CallContext;
  readonly #reply: Reply;
  /** Settles when the model has said all. */
  readonly #said: Promise<void>;
  readonly #cancel = new AbortController();
  readonly #released = Promise.withResolvers<() => Promise<void>>();
  readonly #held: AnswerPart[] = [];
  #give: ((part: AnswerPart) => void) | null = null;

  constructor(context: CallContext, options: Omit<ReplyOptions, "signal" | "give" | "mayRunTools">) {
    this.#context = context;
    this.#released.promise.catch(() => undefined);
    this.#reply = new Reply(context, {
      ...options,
      signal: this.#cancel.signal,
      give: (part) => {
        if (this.#give) this.#give(part);
        else this.#held.push(part);
      },
      mayRunTools: async () => {
        const mayRun = await this.#released.promise;
        await mayRun();
      },
    });
    this.#said = this.#reply.run();
    // A failure is reported to the turn that releases the answer. Where the answer ends before, its rejection
    // must not be unhandled.
    this.#said.catch(() => undefined);
  }

  get firstPartAt(): number | null {
    return this.#reply.firstTextAt;
  }

  get messages(): readonly Message[] {
    return this.#reply.messages;
  }

  get underWay(): readonly Message[] {
    return this.#reply.underWay;
  }

  async release(
    give: (part: AnswerPart) => void,
    mayRunTools: () => Promise<void> = async () => undefined,
  ): Promise<void> {
    this.#give = give;
    try {
      for (const part of this.#held.splice(0)) give(part);
      this.#released.resolve(mayRunTools);
      await this.#said;
      this.#measure("done");
    } catch (error) {
      const cancelled = this.#cancel.signal.aborted;
      this.#measure(cancelled ? "cancelled" : "failed");
      const { provider } = this.#reply.service;
      if (!cancelled)
        this.#context.measure({ kind: "error", component: "llm", provider, error: errorKind(error) });
      throw error;
    }
  }

  end(): void {
    if (this.#cancel.signal.aborted) return;
    const reason = new DOMException("The answer is not wanted any more", "AbortError");
    this.#cancel.abort(reason);
    this.#released.reject(reason);
    if (this.#give) return;
    // Once it has settled its tokens are counted.
    const cancelled = () => this.#measure("cancelled");
    void this.#said.then(cancelled, cancelled);
  }

  #measure(outcome: "done" | "cancelled" | "failed"): void {
    this.#context.measure(this.#reply.measure(outcome));
  }
}
