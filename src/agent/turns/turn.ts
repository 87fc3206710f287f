import type { TurnOutcome } from "../../shared/session/agent-event.ts";
import type { CallContext } from "../call/call-context.ts";
import type { Message } from "../model/message.ts";
import type { PendingTurn } from "../resume/call-state.ts";
import { restOf, restOfWords } from "../resume/take-up.ts";
import type { Handoff } from "../role/handoff.ts";
import type { SpokenProgress } from "../speaking/spoken-progress.ts";
import { BegunAnswer } from "./begun-answer.ts";
import { cutToHeard } from "./conversation.ts";
import type { Answer, AnswerPart } from "./responder.ts";
import { TurnClock } from "./turn-clock.ts";
import { goesOn, type HeardSpeech, isOwed, type TurnInput } from "./turn-input.ts";
import { TurnOutput } from "./turn-output.ts";
import type { TurnParts } from "./turn-parts.ts";
import { TurnQuestion } from "./turn-question.ts";
import { TurnReport } from "./turn-report.ts";
import { nextTurnStates, type TurnState } from "./turn-state.ts";

/**
 * The sound that is left of a sentence as the call is handed over, in milliseconds: as long as another agent takes to have the call, and its
 * first sound.
 */
const takeOverMs = 400;

/** One exchange: from the first sound of a participant to the last word that the agent says about it. */
export class Turn {
  readonly id: string;
  /** True where a participant's words may cut the turn short. */
  readonly interruptible: boolean;
  /** Resolves when it is over; a turn that was dropped never is. */
  readonly ended: Promise<TurnOutcome>;
  readonly clock = new TurnClock();
  readonly #parts: TurnParts;
  readonly #report: TurnReport;
  readonly #resolve: (outcome: TurnOutcome) => void;
  readonly #question: TurnQuestion;
  #state: TurnState;
  readonly #output: TurnOutput;
  readonly #answer: BegunAnswer;
  #eager = false;
  /** True where it was asked to end its sentence, since another agent takes up the call. */
  #isMoving = false;
  #onEnd: ((outcome: TurnOutcome) => void) | null = null;
  /** The handoff with which the answer ended; null where it ended by itself. */
  #handoff: Handoff | null = null;
  /** The words of the answer so far. */
  #written = "";
  /** True once the model has written all of them. */
  #isWritten = false;
  /** The words of participants while the agent went on. */
  readonly #backchannels: Message[] = [];

  /** @param input Null: somebody has begun to speak, and `commit` will tell their words. */
  constructor(
    context: CallContext,
    parts: TurnParts,
    id: string,
    input: TurnInput | null,
    interruptible = true,
  ) {
    this.id = id;
    this.interruptible = interruptible;
    this.#state = input === null ? "listening" : "committed";
    this.#parts = parts;
    this.#report = new TurnReport(context, id, parts.responder.service);
    this.#question = new TurnQuestion(this.#report, parts.conversation, input);
    this.#answer = new BegunAnswer(parts);
    this.#output = new TurnOutput(parts.openOutput, {
      failed: (error) => this.fail(error),
      heard: (piece) => this.#report.says(piece),
      firstSentence: () => this.clock.mark("firstSentence"),
      firstByte: () => this.clock.mark("firstByte"),
      firstFrame: (at) => this.clock.mark("firstFrame", at),
    });
    const { promise, resolve } = Promise.withResolvers<TurnOutcome>();
    this.ended = promise;
    this.#resolve = resolve;
  }

  get state(): TurnState {
    return this.#state;
  }

  /** Returns the words that the turn answers; null until they are committed. */
  get input(): TurnInput | null {
    return this.#question.input;
  }

  /** Returns the handoff with which the answer ended; null where it ended by itself. */
  get handoff(): Handoff | null {
    return this.#handoff;
  }

  /** Returns the progress of the agent's words. */
  get progress(): SpokenProgress {
    return this.#output.progress;
  }

  /** Returns the turn as far as it has come, while it is the agent's; else null. */
  get pending(): PendingTurn | null {
    const { input } = this;
    if (input === null || this.over || !this.#question.begun) return null;
    const answer = this.#answer.current;
    const said = answer?.underWay ?? answer?.messages ?? [];
    // A turn that goes on with one that was cut is still the participant's.
    const origin = goesOn(input) ? "participant" : input.origin;
    const words = input.origin === "say" && isOwed(input) ? { words: input.text } : {};
    return {
      turnId: this.id,
      origin,
      ...this.#report.progress,
      asked: this.#question.messages,
      said,
      ...words,
    };
  }

  get over(): boolean {
    return nextTurnStates[this.#state].length === 0;
  }

  /** Shows the participant's words so far. */
  understands(participantId: string, text: string): void {
    if (this.#state === "listening" || this.#state === "eager") this.#report.understands(participantId, text);
  }

  /** Begins the answer, and holds it, since the participant has probably finished. */
  eager(participantId: string, text: string): void {
    if (this.#state !== "listening" && this.#state !== "eager") return;
    if (this.#answer.isFor(text)) return;
    this.#abandonAnswer();
    if (this.#state === "listening") this.#go("eager");
    this.#answer.begin([{ role: "participant", participantId, text }], text);
  }

  /** Cancels the answer that was begun, since the participant went on. */
  resumed(): void {
    if (this.#state !== "eager") return;
    this.#abandonAnswer();
    this.#go("listening");
  }

  /**
   * Takes in that somebody else has said this, while the participant who has the floor spoke. An answer that was begun
   * does not know of it.
   */
  overhears(participantId: string, text: string): void {
    this.#question.overhears(participantId, text);
    this.#abandonAnswer();
  }

  /**
   * Commits the participant's words. An answer that was begun for just these words stands. Once: a turn commits once.
   * @param speech The speech, where the model has heard it itself: it answers from here on.
   */
  commit(participantId: string, text: string, speech?: HeardSpeech): void {
    this.#go("committed");
    this.#report.committed();
    this.clock.mark("committed");
    this.#question.commit({ origin: "participant", participantId, text, ...(speech && { speech }) });
    if (!this.#answer.isFor(text)) this.#abandonAnswer();
    this.#eager = this.#answer.current !== null;
    if (speech) this.#answer.begin(this.#question.messages, text, speech.turnId);
  }

  /** Takes the words of speech that the model has heard itself, which may come after the turn is over. */
  hears(text: string): void {
    this.#question.hears(text);
  }

  /** Takes an answer that the model gives by itself. */
  adopt(answer: Answer): void {
    this.#answer.adopt(answer);
  }

  /** Drops the turn, since nothing was said. */
  drop(): void {
    if (this.#state !== "listening" && this.#state !== "eager") return;
    this.#abandonAnswer();
    this.#go("dropped");
    this.#report.dropped();
  }

  /**
   * Notes the participant's words, which are not answered: the agent goes on, or the call is over.
   * @param during The turn in which the agent goes on: the words are part of the conversation behind what it says.
   */
  note(participantId: string, text: string, during: Turn | null): void {
    if (this.#state !== "listening" && this.#state !== "eager") return;
    this.#abandonAnswer();
    this.#go("dropped");
    this.#report.notes(participantId, text, during !== null);
    if (during) during.#backchannels.push({ role: "participant", participantId, text });
  }

  /** Takes the turn through to its end. Never rejects: what goes wrong is its outcome, told to `onEnd` at once. */
  async run(onEnd: (outcome: TurnOutcome) => void): Promise<void> {
    this.#onEnd = onEnd;
    try {
      this.#question.begins();
      this.#parts.onStep();
      const { input } = this;
      if (input?.origin === "say") await this.#say(input.text);
      else await this.#respond();
      this.#isWritten = true;
      const isWhole = await this.#output.finish();
      // Words that are left out for another agent are handed over, which ends the turn.
      if (isWhole || !this.#isMoving) this.#end(isWhole ? "done" : "interrupted");
    } catch (error) {
      this.fail(error);
    }
  }

  /** Pauses the agent at once, since somebody speaks. It is not known yet whether it will go on. */
  pause(): void {
    if (this.interruptible) this.#output.pause();
  }

  /** Lets the agent go on with this share of its loudness, since somebody makes a sound. */
  duck(gain: number): void {
    if (this.interruptible) this.#output.duck(gain);
  }

  /** Lets the agent end the sentence that it is saying and say no more, since it was answered. */
  concede(): void {
    if (!this.interruptible) return;
    void this.#output.stopAfterSentence().then((more) => more && this.interrupt());
  }

  /**
   * Lets the agent end the sentence that it is saying. Resolves a little before that is heard, with whether there is more to say, with which
   * another agent is to go on.
   */
  async endSentence(): Promise<boolean> {
    this.#isMoving = true;
    return (await this.#output.stopAfterSentence(takeOverMs)) && !this.over;
  }

  /** Lets the agent go on where it stopped, since it was nothing. */
  resume(): void {
    this.#output.resume();
  }

  /** Ends it at once: what is not heard yet will not be. Without effect on a turn that is over. */
  interrupt(): void {
    this.#end("interrupted");
  }

  /**
   * Ends it at once, since another agent goes on with it. Returns the turn that does; null where nothing is left of it. Of one that
   * waited nothing is told, since the other agent will.
   */
  handOver(): TurnInput | null {
    const { pending, input } = this;
    if (pending === null || input === null) {
      this.#handOverWaiting();
      return input;
    }
    // The end of its sentence is heard while the other agent takes the call over.
    if (!this.#output.letGo()) this.#output.cut();
    // The next role is asked, and has nothing to go on with.
    if (this.#handoff !== null) {
      this.interrupt();
      return null;
    }
    const { words } = this.#output;
    const { messages, turn } = restOf(pending, words);
    const isSaid = input.origin === "say";
    this.#end("interrupted", { kept: isSaid && words === "" ? [] : messages });
    if (isSaid) return restOfWords(input.text, words);
    // Words that are known are said at once; for others the model has to be asked.
    const isKnown = this.#isWritten && words !== "" && this.#written.startsWith(words);
    return isKnown ? restOfWords(this.#written, words) : turn;
  }

  /** Ends it with an error. Without effect on a turn that is over. */
  fail(error: unknown): void {
    this.#end("failed", { error });
  }

  async #say(text: string): Promise<void> {
    const answer = this.#parts.say?.(text);
    if (answer === undefined) {
      this.#give({ type: "text", delta: text });
      return;
    }
    this.#answer.adopt(answer);
    await this.#release(answer);
  }

  async #respond(): Promise<void> {
    this.#go("thinking");
    this.#answer.abandonStale();
    if (this.#answer.current === null) {
      this.#eager = false;
      this.#answer.begin(this.#question.messages, "");
    }
    await this.#release(this.#answer.current!);
  }

  async #release(answer: Answer): Promise<void> {
    await answer.release((part) => this.#take(part, answer));
  }

  #take(part: AnswerPart, { firstPartAt }: Answer): void {
    switch (part.type) {
      case "text":
        if (firstPartAt !== null) this.clock.mark("firstToken", firstPartAt);
        this.#give(part);
        return;
      case "sound":
      case "words":
        this.#give(part);
        return;
      case "pause":
        this.#output.flush();
        return;
      case "tool":
        this.#report.tool(part.outcome);
        return;
      case "blocked":
        if (part.blocked.stage === "heard") this.#question.blocked();
        this.#report.blocked(part.blocked);
        return;
      case "handoff":
        this.#handoff = part.handoff;
        return;
      case "step":
        this.#parts.onStep();
        return;
      case "interrupted":
        this.interrupt();
        return;
      default:
        part satisfies never;
    }
  }

  #give(part: Extract<AnswerPart, { readonly type: "text" | "sound" | "words" }>): void {
    if (this.over) return;
    if (part.type === "text") this.#written += part.delta;
    if (this.#state !== "speaking") this.#go("speaking");
    this.#output.give(part);
  }

  #abandonAnswer(): void {
    this.#answer.abandon();
    this.#eager = false;
  }

  #go(state: TurnState): void {
    if (!nextTurnStates[this.#state].includes(state))
      throw new Error(`A turn cannot go from ${this.#state} to ${state}`);
    this.#state = state;
  }

  #handOverWaiting(): void {
    if (this.over) return;
    this.#abandonAnswer();
    this.#go("interrupted");
    this.#resolve("interrupted");
  }

  /** @param kept The messages that belong into the conversation, where they are not those that were asked and heard. */
  #end(
    outcome: TurnOutcome,
    { error, kept }: { readonly error?: unknown; readonly kept?: readonly Message[] } = {},
  ): void {
    if (this.over) return;
    const ran = this.#question.begun;
    this.#question.begins();
    this.#go(outcome);
    this.#output.cut();
    const { heard, words } = this.#output;
    const answer = this.#answer.current;
    answer?.end(outcome === "done" ? null : heard);
    const asked = this.#question.ends();
    const said: readonly Message[] = answer?.messages ?? [{ role: "agent", text: words, toolCalls: [] }];
    const saidAsHeard = cutToHeard(said, words.length);
    this.#parts.conversation.append([...(kept ?? [...asked, ...saidAsHeard]), ...this.#backchannels]);
    this.#parts.responder.turnOver?.({ asked, said: saidAsHeard, answer });
    const result = {
      outcome,
      input: this.input,
      heard: words,
      firstPartAt: answer?.firstPartAt ?? null,
      latency: this.clock.response(),
      eager: this.#eager,
      error,
    };
    this.#report.over(result, ran);
    this.#parts.onStep();
    this.#resolve(outcome);
    this.#onEnd?.(outcome);
  }
}
