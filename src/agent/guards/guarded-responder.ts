import type { Log } from "../log.ts";
import type { Message } from "../model/message.ts";
import type { Service } from "../service.ts";
import type { AddedMessages, Answer, Question, Responder } from "../turns/responder.ts";
import type { Guard, HeardWords } from "./guard.ts";
import { GuardedAnswer } from "./guarded-answer.ts";

/** The most messages that are judged together with the next ones. */
const mostUnjudged = 64;

export interface GuardedResponderOptions {
  readonly log: Log;
  /** Takes words out of the conversation. */
  readonly onBlocked: (message: Message) => void;
}

/**
 * A responder whose answers are judged by guards. Words whose turn was cut before the verdict are in the conversation: they are judged
 * together with the next ones.
 */
export class GuardedResponder implements Responder {
  readonly #inner: Responder;
  readonly #guards: readonly Guard[];
  readonly #options: GuardedResponderOptions;
  /** The words in the conversation that were not judged. */
  #unjudged: readonly Message[] = [];

  constructor(inner: Responder, guards: readonly Guard[], options: GuardedResponderOptions) {
    this.#inner = inner;
    this.#guards = guards;
    this.#options = options;
  }

  get service(): Service {
    return this.#inner.service;
  }

  get hears(): boolean {
    return this.#inner.hears;
  }

  begin(question: Question): Answer {
    const { log, onBlocked } = this.#options;
    const before = this.#unjudged.filter((message) => question.history.includes(message));
    return new GuardedAnswer(this.#inner.begin(question), {
      guards: this.#guards,
      log,
      words: wordsOf([...before, ...question.messages]),
      onVerdict: (isBlocked) => {
        this.#unjudged = this.#unjudged.filter((message) => !before.includes(message));
        if (isBlocked) for (const message of before) onBlocked(message);
      },
    });
  }

  /**
   * Takes in the conversation of another agent, which this one goes on with. It does not tell what was judged: words without an answer may
   * be of a turn that was cut before the verdict.
   */
  knows(messages: readonly Message[]): void {
    const isAnswered = (index: number) => messages[index + 1]?.role === "agent";
    this.#unjudged = messages
      .filter(({ role }, index) => role === "participant" && !isAnswered(index))
      .slice(-mostUnjudged);
  }

  turnOver({ answer, ...turn }: AddedMessages): void {
    if (!(answer instanceof GuardedAnswer && answer.isJudged)) {
      const words = turn.asked.filter(({ role }) => role === "participant");
      this.#unjudged = [...this.#unjudged, ...words].slice(-mostUnjudged);
    }
    this.#inner.turnOver?.({ ...turn, answer: answer instanceof GuardedAnswer ? answer.inner : answer });
  }
}

/** Returns the participants' words that are asked; null where there are none. */
function wordsOf(messages: readonly Message[]): HeardWords | null {
  const asked = messages.filter((message) => message.role === "participant");
  const last = asked.at(-1);
  if (last === undefined) return null;
  return { text: asked.map(({ text }) => text).join("\n"), participantId: last.participantId };
}
