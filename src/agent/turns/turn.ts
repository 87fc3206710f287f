import type { TurnOutcome } from "../../shared/agent-event.ts";
import type { CallContext } from "../call/call-context.ts";
import { errorKind } from "../error-kind.ts";
import type { Message } from "../model/message.ts";
import type { Output } from "../speaking/output.ts";
import { nothingSaid, type SpokenProgress } from "../speaking/spoken-progress.ts";
import { AnswerAttempt } from "./answer-attempt.ts";
import { cutToHeard } from "./conversation.ts";
import { TurnClock } from "./turn-clock.ts";
import { type ParticipantMessage, questionOf, type TurnInput } from "./turn-input.ts";
import type { TurnParts } from "./turn-parts.ts";
import { TurnReport } from "./turn-report.ts";
import { nextTurnStates, type TurnState } from "./turn-state.ts";

/** One exchange: from the first sound of a participant to the last word that the agent says about it. */
export class Turn {
  readonly id: string;
  /** True where a participant's words may cut the turn short. */
  readonly interruptible: boolean;
  /** Resolves when it is over; a turn that was dropped never is. */
  readonly ended: Promise<TurnOutcome>;
  readonly clock = new TurnClock();
  readonly #context: CallContext;
  readonly #parts: TurnParts;
  readonly #report: TurnReport;
  readonly #resolve: (outcome: TurnOutcome) => void;
  readonly #cancel = new AbortController();
  #input: TurnInput | null;
  #state: TurnState;
  #begun = false;
  /** The output, which is opened with the first words. */
  #output: Output | null = null;
  #paused = false;
  #attempt: AnswerAttempt | null = null;
  /** The last of the conversation when the attempt was begun. */
  #begunAfter: Message | undefined;
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
    this.#context = context;
    this.#parts = parts;
    this.#report = new TurnReport(context, id, parts.llm);
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
    if (this.#attempt?.question === text) return;
    this.#abandonAttempt();
    if (this.#state === "listening") this.#go("eager");
    this.#attempt = this.#begin([{ role: "participant", participantId, text }], text);
  }

  /** The participant went on: what was begun is cancelled. */
  resumed(): void {
    if (this.#state !== "eager") return;
    this.#abandonAttempt();
    this.#go("listening");
  }

  /**
   * Takes in that somebody else has said this, while the participant who has the floor spoke. An answer that was begun
   * does not know of it.
   */
  overhears(participantId: string, text: string): void {
    this.#overheard.push({ role: "participant", participantId, text });
    this.#abandonAttempt();
  }

  /** These were the participant's words. An answer that was begun for just these words stands. Once: a turn commits once. */
  commit(participantId: string, text: string): void {
    this.#go("committed");
    this.#report.committed();
    this.clock.mark("committed");
    this.#input = { origin: "participant", participantId, text };
    if (this.#attempt && this.#attempt.question !== text) this.#abandonAttempt();
    this.#eager = this.#attempt !== null;
  }

  /** Drops the turn, since nothing was said. */
  drop(): void {
    if (this.#state !== "listening" && this.#state !== "eager") return;
    this.#abandonAttempt();
    this.#go("dropped");
    this.#report.dropped();
  }

  /**
   * These were the participant's words, and they are not answered: the agent goes on, or the call is over.
   * @param during The turn in which the agent goes on: the words are part of the conversation behind what it says.
   */
  note(participantId: string, text: string, during: Turn | null): void {
    if (this.#state !== "listening" && this.#state !== "eager") return;
    this.#abandonAttempt();
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
    this.#cancel.signal.throwIfAborted();
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
    const { measure } = this.#context;
    this.#go("thinking");
    // What was said and heard meanwhile, an answer that was begun before does not know.
    if (this.#parts.conversation.messages.at(-1) !== this.#begunAfter) this.#abandonAttempt();
    this.#attempt ??= this.#begin(this.#question, "");
    const attempt = this.#attempt;
    try {
      attempt.release((text) => this.#say(text));
      await attempt.done;
      measure(attempt.reply.measure("done"));
    } catch (error) {
      const cancelled = this.#cancel.signal.aborted;
      measure(attempt.reply.measure(cancelled ? "cancelled" : "failed"));
      if (!cancelled) {
        const { provider } = attempt.reply.service;
        measure({ kind: "error", component: "llm", provider, error: errorKind(error) });
      }
      throw error;
    }
  }

  #begin(question: readonly Message[], words: string): AnswerAttempt {
    const { llm, tools, instructions, conversation, isSilent } = this.#parts;
    this.#begunAfter = conversation.messages.at(-1);
    return new AnswerAttempt(
      this.#context,
      words,
      {
        llm,
        instructions,
        isSilent,
        tools: tools(),
        messages: [...conversation.messages, ...question],
        onFirstText: () => this.clock.mark("firstToken"),
        onToolRound: () => this.#output?.flush(),
        onTool: (outcome) => this.#report.tool(outcome),
      },
      this.#cancel.signal,
    );
  }

  get #question(): readonly Message[] {
    return [...this.#overheard, ...questionOf(this.#input)];
  }

  #abandonAttempt(): void {
    if (this.#attempt === null) return;
    this.#context.measure(this.#attempt.cancel());
    this.#attempt = null;
    this.#eager = false;
    this.clock.forget("firstToken");
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
    this.#cancel.abort(new DOMException(`The turn is ${outcome}`, "AbortError"));
    // One that was begun early and never released: nobody waits for it.
    if (!ran && this.#attempt) this.#context.measure(this.#attempt.cancel());

    const heard = this.#output?.heard ?? "";
    const said: Message[] = this.#attempt?.reply.messages ?? [{ role: "agent", text: heard, toolCalls: [] }];
    this.#parts.conversation.append([
      ...this.#question,
      ...cutToHeard(said, heard.length),
      ...this.#backchannels,
    ]);
    const result = {
      outcome,
      input: this.#input,
      heard,
      firstTextAt: this.#attempt?.reply.firstTextAt ?? null,
      latency: this.clock.response(),
      eager: this.#eager,
      error,
    };
    this.#report.over(result, ran);
    this.#resolve(outcome);
    this.#onEnd?.(outcome);
  }
}
