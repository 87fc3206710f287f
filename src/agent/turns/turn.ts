import type { TurnOutcome } from "../../shared/agent-event.ts";
import type { CallContext } from "../call/call-context.ts";
import type { Message } from "../model/message.ts";
import type { Output } from "../speaking/output.ts";
import { nothingSaid, type SpokenProgress } from "../speaking/spoken-progress.ts";
import { cutToHeard } from "./conversation.ts";
import type { Answer, AnswerPart } from "./responder.ts";
import { TurnClock } from "./turn-clock.ts";
import { type ParticipantMessage, questionOf, type TurnInput } from "./turn-input.ts";
import type { TurnParts } from "./turn-parts.ts";
import { TurnReport } from "./turn-report.ts";
import { nextTurnStates, type TurnState } from "./turn-state.ts";

/** Nothing of an answer that was begun in vain is heard. */
const nothingHeard = { ms: 0, characters: 0 };

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
  #input: TurnInput | null;
  #state: TurnState;
  #begun = false;
  /** The output, which is opened with the first words. */
  #output: Output | null = null;
  #paused = false;
  #answer: Answer | null = null;
  /** The words that the answer was begun for, and the last of the conversation at that time. */
  #begunFor: { readonly text: string; readonly after: Message | undefined } | null = null;
  #eager = false;
  #onEnd: ((outcome: TurnOutcome) => void) | null = null;
  /** The words of others while the participant spoke, which are answered together with theirs. */
  readonly #overheard: ParticipantMessage[] = [];
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
    this.#input = input;
    this.#state = input === null ? "listening" : "committed";
    this.#parts = parts;
    this.#report = new TurnReport(context, id, parts.responder.service);
    const { promise, resolve } = Promise.withResolvers<TurnOutcome>();
    this.ended = promise;
    this.#resolve = resolve;
  }

  get state(): TurnState {
    return this.#state;
  }

  /** The words that the turn answers; null until they are committed. */
  get input(): TurnInput | null {
    return this.#input;
  }

  /** The progress of the agent's words. */
  get progress(): SpokenProgress {
    return this.#output?.progress ?? nothingSaid;
  }

  get over(): boolean {
    return nextTurnStates[this.#state].length === 0;
  }

  /** The participant's words so far. */
  understands(participantId: string, text: string): void {
    if (this.#state === "listening" || this.#state === "eager") this.#report.understands(participantId, text);
  }

  /** The participant has probably finished: the answer is begun, and held. */
  eager(participantId: string, text: string): void {
    if (this.#state !== "listening" && this.#state !== "eager") return;
    if (this.#begunFor?.text === text) return;
    this.#abandonAnswer();
    if (this.#state === "listening") this.#go("eager");
    this.#begin([{ role: "participant", participantId, text }], text);
  }

  /** The participant went on: what was begun is cancelled. */
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
    this.#overheard.push({ role: "participant", participantId, text });
    this.#abandonAnswer();
  }

  /** These were the participant's words. An answer that was begun for just these words stands. Once: a turn commits once. */
  commit(participantId: string, text: string): void {
    this.#go("committed");
    this.#report.committed();
    this.clock.mark("committed");
    this.#input = { origin: "participant", participantId, text };
    if (this.#begunFor?.text !== text) this.#abandonAnswer();
    this.#eager = this.#answer !== null;
  }

  /** Drops the turn, since nothing was said. */
  drop(): void {
    if (this.#state !== "listening" && this.#state !== "eager") return;
    this.#abandonAnswer();
    this.#go("dropped");
    this.#report.dropped();
  }

  /**
   * These were the participant's words, and they are not answered: the agent goes on, or the call is over.
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
      this.#tellWords();
      if (this.#input?.origin === "say") this.#say(this.#input.text);
      else await this.#respond();
      const whole = await this.#output?.finish();
      this.#end(whole === false ? "interrupted" : "done");
    } catch (error) {
      this.fail(error);
    }
  }

  /** Pauses the agent at once, since somebody speaks. It is not known yet whether it will go on. */
  pause(): void {
    if (!this.interruptible) return;
    this.#paused = true;
    this.#output?.pause();
  }

  /** Lets the agent go on with this share of its loudness, since somebody makes a sound. */
  duck(gain: number): void {
    if (this.interruptible) this.#output?.duck(gain);
  }

  /** The agent was answered: it ends the sentence that it is saying, and says no more. */
  concede(): void {
    if (!this.interruptible) return;
    void this.#output?.stopAfterSentence().then((more) => more && this.interrupt());
  }

  /** Lets the agent go on where it stopped, since it was nothing. */
  resume(): void {
    this.#paused = false;
    this.#output?.resume();
  }

  /** Ends it at once: what is not heard yet will not be. Without effect on a turn that is over. */
  interrupt(): void {
    this.#end("interrupted");
  }

  /** Ends it with an error. Without effect on a turn that is over. */
  fail(error: unknown): void {
    this.#end("failed", error);
  }

  /** The participant's words become part of the call, whatever becomes of the answer. */
  #tellWords(): void {
    if (this.#begun) return;
    this.#begun = true;
    for (const { participantId, text } of this.#overheard) this.#report.notes(participantId, text, false);
    this.#report.begins(this.#input);
  }

  #say(text: string): void {
    if (this.over) return;
    if (this.#state !== "speaking") this.#go("speaking");
    this.#output ??= this.#openOutput();
    this.#output.write(text);
  }

  #openOutput(): Output {
    const output = this.#parts.openOutput({
      failed: (error) => this.fail(error),
      heard: (piece) => this.#report.says(piece),
      firstSentence: () => this.clock.mark("firstSentence"),
      firstByte: () => this.clock.mark("firstByte"),
      firstFrame: (at) => this.clock.mark("firstFrame", at),
    });
    if (this.#paused) output.pause();
    return output;
  }

  async #respond(): Promise<void> {
    this.#go("thinking");
    // What was said and heard meanwhile, an answer that was begun before does not know.
    if (this.#parts.conversation.messages.at(-1) !== this.#begunFor?.after) this.#abandonAnswer();
    const answer = this.#answer ?? this.#begin(this.#question, "");
    await answer.release((part) => this.#take(part, answer));
  }

  #begin(messages: readonly Message[], text: string): Answer {
    const { responder, conversation } = this.#parts;
    this.#begunFor = { text, after: conversation.messages.at(-1) };
    this.#answer = responder.begin({ messages, history: conversation.messages });
    return this.#answer;
  }

  #take(part: AnswerPart, { firstPartAt }: Answer): void {
    switch (part.type) {
      case "text":
        if (firstPartAt !== null) this.clock.mark("firstToken", firstPartAt);
        this.#say(part.delta);
        return;
      case "pause":
        this.#output?.flush();
        return;
      case "tool":
        this.#report.tool(part.outcome);
        return;
      case "sound":
      case "words":
        throw new Error("There is no output for sound");
      default:
        part satisfies never;
    }
  }

  get #question(): readonly Message[] {
    return [...this.#overheard, ...questionOf(this.#input)];
  }

  #abandonAnswer(): void {
    this.#answer?.end(nothingHeard);
    this.#answer = null;
    this.#begunFor = null;
    this.#eager = false;
  }

  #go(state: TurnState): void {
    if (!nextTurnStates[this.#state].includes(state))
      throw new Error(`A turn cannot go from ${this.#state} to ${state}`);
    this.#state = state;
  }

  #end(outcome: TurnOutcome, error?: unknown): void {
    if (this.over) return;
    const ran = this.#begun;
    this.#tellWords();
    this.#go(outcome);
    this.#output?.cut();
    const heard = this.#output?.heard ?? "";
    this.#answer?.end({ ms: 0, characters: heard.length });
    const said: readonly Message[] = this.#answer?.messages ?? [
      { role: "agent", text: heard, toolCalls: [] },
    ];
    this.#parts.conversation.append([
      ...this.#question,
      ...cutToHeard(said, heard.length),
      ...this.#backchannels,
    ]);
    const result = {
      outcome,
      input: this.#input,
      heard,
      firstPartAt: this.#answer?.firstPartAt ?? null,
      latency: this.clock.response(),
      eager: this.#eager,
      error,
    };
    this.#report.over(result, ran);
    this.#resolve(outcome);
    this.#onEnd?.(outcome);
  }
}
