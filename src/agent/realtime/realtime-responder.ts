import type { CallContext } from "../call/call-context.ts";
import type { Message } from "../model/message.ts";
import type { RealtimeEvent, RealtimeModel, RealtimeRequest } from "../realtime-model.ts";
import type { Handoff } from "../role/handoff.ts";
import type { Tools } from "../tools/tools.ts";
import type { Heard } from "../turns/heard.ts";
import type { AddedMessages, Answer, Question, Responder } from "../turns/responder.ts";
import { RealtimeAnswer } from "./realtime-answer.ts";
import { RealtimeConnection } from "./realtime-connection.ts";
import type { ParticipantListener } from "./realtime-turns.ts";

export interface RealtimeOptions {
  /** Returns the model of the agent's role. */
  readonly model: () => RealtimeModel;
  readonly instructions: () => string;
  /** Returns the functions that the model may call. */
  readonly tools: () => Tools;
  /** Returns the conversation so far. */
  readonly history: () => readonly Message[];
  readonly checkHandoff: (handoff: Handoff) => void;
  readonly onHandoff: (handoff: Handoff) => void;
  /** The handle of the session of the agent before; null where there is none. */
  readonly handle: string | null;
  /** The model speaks without having been asked. */
  readonly onUnasked: (answer: Answer) => void;
  /** No session with the model can be had. It is tried again. */
  readonly onUnreachable: (error: unknown) => void;
  readonly onReached: () => void;
}

/** An answer that a turn waits for, and the id of the turn or request that it is for. */
interface Expected {
  readonly id: string;
  readonly answer: RealtimeAnswer;
}

/** Answers of which something may still be told. */
const mostAnswers = 64;

/** Answers of a speech-to-speech model, in its own voice. */
export class RealtimeResponder implements Responder {
  readonly hears = true as const;
  readonly connection: RealtimeConnection;
  readonly #context: CallContext;
  readonly #options: RealtimeOptions;
  /** Answers that the model has not begun, in the order in which they are expected. */
  readonly #expected: Expected[] = [];
  /** Answers under way, by the id that the model gave them. */
  readonly #answers = new Map<string, RealtimeAnswer>();
  /** Answers that were given up before the model had begun them, since a participant or the agent last asked. */
  #givenUp = 0;
  /** The session in which each answer was asked for or begun, by its number. */
  readonly #sessions = new WeakMap<Answer, number>();
  #requests = 0;
  #listener: ParticipantListener | null = null;
  /** True while the session follows a role that the agent does not have any more. */
  #isStale = false;

  constructor(context: CallContext, options: RealtimeOptions) {
    this.#context = context;
    this.#options = options;
    this.connection = new RealtimeConnection(context, {
      ...options,
      onEvent: (event) => this.#happened(event),
      onLost: (error) => this.#lost(error),
    });
  }

  get service(): RealtimeModel {
    return this.#options.model();
  }

  /** Has the model follow the agent's role: at once where its session can change, else by another session as soon as nobody speaks. */
  roleChanged(): void {
    this.#isStale = !this.connection.change();
    this.#replaceStale();
  }

  /** Tells this listener what participants say. */
  listen(listener: ParticipantListener): void {
    this.#listener = listener;
  }

  begin({ messages, heardAs }: Question): Answer {
    const last = messages.at(-1);
    if (heardAs !== undefined) return this.#expect(heardAs);
    const isQuestion = last?.role === "participant" || last?.role === "instruction";
    // Of a turn that was cut the last may be the results of tools, and a role that was handed the conversation is asked nothing.
    if (isQuestion) return this.#ask({ type: "answer", id: this.#nextId(), message: last });
    return this.#ask(this.#goOn(), messages);
  }

  #goOn(): RealtimeRequest {
    const message = { role: "instruction", text: "Answer what was said last." } as const;
    return { type: "answer", id: this.#nextId(), message };
  }

  say(text: string): Answer {
    const id = this.#nextId();
    if (this.connection.model.capabilities.says) return this.#ask({ type: "say", id, text });
    const instruction = `(Say exactly the following, and nothing else:)\n${text}`;
    return this.#ask({ type: "answer", id, message: { role: "instruction", text: instruction } });
  }

  turnOver({ asked, said, answer }: AddedMessages): void {
    const session = answer === null ? null : this.#sessions.get(answer);
    if (session === this.connection.session) return;
    // The model has not said it, or it was another session that has heard and said it.
    this.connection.append([...asked, ...said]);
  }

  #nextId(): string {
    this.#requests += 1;
    return `request_${this.#requests}`;
  }

  /** @param before Messages that the model has to know first. */
  #ask(request: RealtimeRequest, before: readonly Message[] = []): Answer {
    this.#givenUp = 0;
    const answer = this.#expect(request.id);
    this.connection.send((session) => {
      if (!this.#expected.some((expected) => expected.answer === answer)) return;
      this.#sessions.set(answer, this.connection.session);
      if (before.length > 0) session.append(before);
      session.request(request);
    });
    return answer;
  }

  #expect(id: string): RealtimeAnswer {
    const answer: RealtimeAnswer = this.#answer((heard) => {
      if (this.#forget(answer)) this.#givenUp += 1;
      else this.#stop(answer, heard);
      this.#replaceStale();
    });
    this.#expected.push({ id, answer });
    this.#sessions.set(answer, this.connection.session);
    return answer;
  }

  #answer(onEnd: (heard: Heard | null) => void): RealtimeAnswer {
    const { tools, checkHandoff, onHandoff } = this.#options;
    return new RealtimeAnswer(this.#context, {
      model: this.connection.model,
      tools: tools(),
      checkHandoff,
      onHandoff: (handoff) => {
        onHandoff(handoff);
        // The model waits for the result of its call, which the next role is told.
        this.#isStale = true;
      },
      onLateHandoff: (handoff) => {
        onHandoff(handoff);
        if (handoff.respond) this.#options.onUnasked(this.#ask(this.#goOn()));
      },
      signal: this.#context.signal,
      onResult: (result) => this.connection.sendNow((session) => session.toolResult(result)),
      onEnd,
    });
  }

  /** Returns whether the answer was still expected. */
  #forget(answer: RealtimeAnswer): boolean {
    const place = this.#expected.findIndex((expected) => expected.answer === answer);
    if (place >= 0) this.#expected.splice(place, 1);
    return place >= 0;
  }

  /** Stops an answer that the model has begun, unless it was heard to its end. */
  #stop(answer: RealtimeAnswer, heard: Heard | null): void {
    for (const [answerId, begun] of this.#answers) {
      if (begun !== answer || heard === null) continue;
      this.connection.sendNow((session) => session.stop(answerId, heard));
    }
  }

  /** Has another session follow the role that the agent has now, unless somebody is speaking. */
  #replaceStale(): void {
    if (!this.#isStale || this.#expected.length > 0 || this.#listener?.listening) return;
    if ([...this.#answers.values()].some(({ over }) => !over)) return;
    this.#isStale = false;
    this.#answers.clear();
    this.#givenUp = 0;
    this.connection.replace();
  }

  #happened(event: RealtimeEvent): void {
    this.#take(event);
    this.#replaceStale();
  }

  #take(event: RealtimeEvent): void {
    switch (event.type) {
      case "speech_ended":
        this.#givenUp = 0;
        this.#listener?.take(event);
        return;
      case "speech_started":
      case "transcript":
        this.#listener?.take(event);
        return;
      case "answer_started":
        this.#begun(event.answerId, event.answers);
        return;
      case "sound":
      case "words":
      case "text": {
        const { answerId, ...part } = event;
        this.#answers.get(answerId)?.take(part);
        return;
      }
      case "tool_call":
        this.#answers.get(event.answerId)?.call(event.call);
        return;
      case "tool_calls_withdrawn":
        for (const answer of this.#answers.values()) answer.withdraw(event.callIds);
        return;
      case "usage":
        this.#answers.get(event.answerId)?.used(event.inputTokens, event.outputTokens);
        return;
      case "answer_ended":
        this.#ended(event);
        return;
      case "error":
        return;
      default:
        event satisfies never;
    }
  }

  /** Takes in that the model has begun an answer: to what it says, to what has waited longest, or to nothing that anybody has asked. */
  #begun(answerId: string, answers: string | null): void {
    if (answers === null && this.#expected.length === 0 && this.#givenUp === 0) this.#listener?.answered();
    const known = this.#expected.find(({ id }) => answers === null || id === answers);
    if (known) {
      this.#forget(known.answer);
      this.#keep(answerId, known.answer);
      return;
    }
    if (answers !== null || this.#givenUp > 0) {
      // Nobody waits for it any more.
      this.#givenUp = Math.max(0, this.#givenUp - 1);
      this.connection.sendNow((session) => session.stop(answerId, { ms: 0, characters: 0 }));
      return;
    }
    const answer: RealtimeAnswer = this.#answer((heard) => {
      this.#stop(answer, heard);
      this.#replaceStale();
    });
    this.#keep(answerId, answer);
    this.#options.onUnasked(answer);
  }

  /** Keeps an answer for what is told of it, also when it is over, until many others have come. */
  #keep(answerId: string, answer: RealtimeAnswer): void {
    this.#answers.set(answerId, answer);
    this.#sessions.set(answer, this.connection.session);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > mostAnswers && oldest !== undefined) this.#answers.delete(oldest);
  }

  #ended(event: Extract<RealtimeEvent, { readonly type: "answer_ended" }>): void {
    const answer = this.#answers.get(event.answerId);
    if (answer === undefined) return;
    switch (event.outcome) {
      case "done":
        answer.complete();
        return;
      case "interrupted":
        answer.interrupted();
        return;
      case "failed":
        answer.fail(event.error);
        return;
      default:
        event satisfies never;
    }
  }

  /** Ends everything that was under way or asked for. An answer that the model has completed is played to its end. */
  #lost(error: unknown): void {
    this.#listener?.lost();
    for (const answer of this.#answers.values()) answer.fail(error);
    for (const { answer } of this.#expected.splice(0)) answer.fail(error);
    this.#answers.clear();
    this.#givenUp = 0;
  }
}
