import { DeadlineError, within } from "../../shared/deadline.ts";
import { answerWithinMs, type SessionAnswer, type SessionQuestion } from "../../shared/protocol.ts";

/** The time beyond the thread's own deadline within which its answer may come, in milliseconds. */
const spareMs = 500;

/** The questions to a session's thread that are not answered yet. */
export class Questions {
  readonly #asked = new Map<number, PromiseWithResolvers<SessionAnswer>>();
  #count = 0;

  /** Resolves with the answer, with `failed` where it does not come in time. Rejects where the session ends before. */
  async ask(
    question: SessionQuestion,
    send: (number: number, question: SessionQuestion) => void,
  ): Promise<SessionAnswer> {
    this.#count += 1;
    const number = this.#count;
    const asked = Promise.withResolvers<SessionAnswer>();
    this.#asked.set(number, asked);
    send(number, question);
    try {
      return await within(asked.promise, answerWithinMs(question) + spareMs, "The session's answer");
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      return { outcome: "failed", error: { name: error.name, message: error.message } };
    } finally {
      this.#asked.delete(number);
    }
  }

  answered(number: number, answer: SessionAnswer): void {
    this.#asked.get(number)?.resolve(answer);
  }

  /** Rejects all questions, since there will be no more answers. */
  close(error: Error): void {
    for (const asked of this.#asked.values()) asked.reject(error);
  }
}
