import type { CallContext } from "../call/call-context.ts";
import type { Service } from "../service.ts";
import type { AddedMessages, Answer, Question, Responder } from "../turns/responder.ts";
import type { Guard, HeardWords } from "./guard.ts";
import { GuardedAnswer } from "./guarded-answer.ts";

/** A responder whose answers are judged by guards. */
export class GuardedResponder implements Responder {
  readonly #inner: Responder;
  readonly #guards: readonly Guard[];
  readonly #context: Pick<CallContext, "log">;

  constructor(context: Pick<CallContext, "log">, inner: Responder, guards: readonly Guard[]) {
    this.#context = context;
    this.#inner = inner;
    this.#guards = guards;
  }

  get service(): Service {
    return this.#inner.service;
  }

  get hears(): boolean {
    return this.#inner.hears;
  }

  begin(question: Question): Answer {
    const { log } = this.#context;
    return new GuardedAnswer(this.#inner.begin(question), {
      guards: this.#guards,
      log,
      words: wordsOf(question),
    });
  }

  turnOver({ answer, ...turn }: AddedMessages): void {
    this.#inner.turnOver?.({ ...turn, answer: answer instanceof GuardedAnswer ? answer.inner : answer });
  }
}

/** Returns the participant's words that are asked; null where the question is none of theirs. */
function wordsOf({ messages }: Question): HeardWords | null {
  const asked = messages.filter((message) => message.role === "participant");
  const last = asked.at(-1);
  if (last === undefined) return null;
  return { text: asked.map(({ text }) => text).join("\n"), participantId: last.participantId };
}
