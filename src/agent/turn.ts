import { plainError } from "../errors.ts";
import { now, type TurnOutcome } from "../protocol.ts";
import { Attempt } from "./attempt.ts";
import { type Conversation, cutToHeard, type Message } from "./conversation.ts";
import { errorKind } from "./error-kind.ts";
import type { AgentLimits } from "./limits.ts";
import type { Output, OutputEvents } from "./output.ts";
import { TurnClock } from "./turn-clock.ts";
import { reportTool, reportTurn, type TurnReporting } from "./turn-report.ts";

/** A turn goes through these, and ends once. One that is not spoken begins at `committed`. */
export type TurnState =
  | "listening"
  | "eager"
  | "committed"
  | "thinking"
  | "speaking"
  | "dropped"
  | TurnOutcome;

/**
 * What may follow what:
 *
 *   listening ⇄ eager ──▶ committed ──▶ thinking ──▶ speaking ──▶ done | interrupted | failed
 *       └─────────┴──▶ dropped (it was no turn: noise, or a "mhm")
 */
const nextStates = {
  listening: ["eager", "committed", "dropped", "interrupted", "failed"],
  eager: ["listening", "committed", "dropped", "interrupted", "failed"],
  committed: ["thinking", "speaking", "interrupted", "failed"],
  thinking: ["speaking", "done", "interrupted", "failed"],
  speaking: ["done", "interrupted", "failed"],
  dropped: [],
  done: [],
  interrupted: [],
  failed: [],
} as const satisfies Record<TurnState, readonly TurnState[]>;

/** What a turn answers or says. */
export type TurnInput =
  | {
      readonly origin: "participant";
      readonly participantId: string;
      readonly text: string;
      /** The typed message that it is, where it is one. */
      readonly messageId?: string;
    }
  | { readonly origin: "response"; readonly instruction: string }
  | { readonly origin: "say"; readonly text: string };

/** What all turns of an agent share. */
export interface TurnSetting extends TurnReporting {
  readonly instructions: string;
  /** Functions that the model may call; undefined: all. */
  readonly allowedTools: readonly string[] | undefined;
  readonly agentId: string;
  readonly limits: AgentLimits;
  readonly conversation: Conversation;
  /** Resolves when a request to the provider may begin; to be disposed of when it is over. */
  readonly permit: (provider: string, signal: AbortSignal) => Promise<Disposable>;
  /** Makes the way to the other side for one turn. */
  readonly openOutput: (events: OutputEvents) => Output;
}

/** One exchange: from the first sound of a participant to the last word that the agent says about it. */
export class Turn {
  readonly id: string;
  /** May words of a participant cut it short? */
  readonly interruptible: boolean;
  /** Resolves when it is over; a turn that was dropped never is. */
  readonly ended: Promise<TurnOutcome>;
  readonly clock = new TurnClock();
  readonly #setting: TurnSetting;
  readonly #resolve: (outcome: TurnOutcome) => void;
  readonly #cancel = new AbortController();
  #input: TurnInput | null;
  #state: TurnState;
  #startedAt: number | null = null;
  #begun = false;
  /** Opened with the first words. */
  #output: Output | null = null;
  #paused = false;
  #attempt: Attempt | null = null;
  /** The last of the conversation when the attempt was begun. */
  #begunAfter: Message | undefined;
  #eager = false;
  #toolCalls = 0;
  #onEnd: ((outcome: TurnOutcome) => void) | null = null;

  /** @param input Null: somebody has begun to speak, and `commit` will tell their words. */
  constructor(id: string, input: TurnInput | null, setting: TurnSetting, interruptible = true) {
    this.id = id;
    this.interruptible = interruptible;
    this.#input = input;
    this.#state = input === null ? "listening" : "committed";
    this.#setting = setting;
    const { promise, resolve } = Promise.withResolvers<TurnOutcome>();
    this.ended = promise;
    this.#resolve = resolve;
  }

  get state(): TurnState {
    return this.#state;
  }

  /** Null until the words are committed. */
  get input(): TurnInput | null {
    return this.#input;
  }

  get over(): boolean {
    return nextStates[this.#state].length === 0;
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

  /** These were the participant's words. An answer that was begun for just these words stands. Once: a turn commits once. */
  commit(participantId: string, text: string): void {
    this.#go("committed");
    this.clock.mark("committed");
    this.#input = { origin: "participant", participantId, text };
    if (this.#attempt && this.#attempt.question !== text) this.#abandonAttempt();
    this.#eager = this.#attempt !== null;
  }

  /** It was no turn: nothing is told of it. */
  drop(): void {
    if (this.#state !== "listening" && this.#state !== "eager") return;
    this.#abandonAttempt();
    this.#go("dropped");
  }

  /** Takes the turn through to its end. Never rejects: what goes wrong is its outcome, told to `onEnd` at once. */
  async run(onEnd: (outcome: TurnOutcome) => void): Promise<void> {
    this.#onEnd = onEnd;
    try {
      this.#tellWords();
      if (this.#input?.origin === "say") this.#say(this.#input.text);
      else await this.#respond();
      await this.#output?.finish();
      this.#end("done");
    } catch (error) {
      this.fail(error);
    }
  }

  /** Somebody speaks: the agent is silent at once. It is not known yet whether it will go on. */
  pause(): void {
    if (!this.interruptible) return;
    this.#paused = true;
    this.#output?.pause();
  }

  /** It was nothing: the agent goes on where it stopped. */
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
    this.#startedAt = now();
    if (this.#input?.origin !== "participant") return;
    const { messageId, participantId, text } = this.#input;
    this.#setting.emit({
      type: "transcript",
      at: now(),
      role: "user",
      turnId: this.id,
      participantId,
      final: true,
      text,
      ...(messageId === undefined ? {} : { messageId }),
    });
  }

  #say(text: string): void {
    this.#cancel.signal.throwIfAborted();
    if (this.#state !== "speaking") this.#go("speaking");
    this.#output ??= this.#openOutput();
    this.#output.write(text);
  }

  #openOutput(): Output {
    const output = this.#setting.openOutput({
      failed: (error) => this.fail(error),
      heard: (delta) => this.#transcript({ final: false, delta }),
      firstSentence: () => this.clock.mark("firstSentence"),
      firstByte: () => this.clock.mark("firstByte"),
      firstFrame: (at) => this.clock.mark("firstFrame", at),
    });
    if (this.#paused) output.pause();
    return output;
  }

  async #respond(): Promise<void> {
    const { measure } = this.#setting;
    this.#go("thinking");
    // What was said and heard meanwhile, an answer that was begun before does not know.
    if (this.#setting.conversation.messages.at(-1) !== this.#begunAfter) this.#abandonAttempt();
    this.#attempt ??= this.#begin(this.#question(), "");
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

  #begin(question: readonly Message[], words: string): Attempt {
    const { llm, allowedTools, instructions, limits, conversation, permit, measure, log } = this.#setting;
    this.#begunAfter = conversation.messages.at(-1);
    const functions = new Map(
      [...llm.functions].filter(([name]) => allowedTools === undefined || allowedTools.includes(name)),
    );
    return new Attempt(
      words,
      {
        llm,
        functions,
        instructions,
        limits,
        messages: [...conversation.messages, ...question],
        onFirstText: () => this.clock.mark("firstToken"),
        onToolRound: () => this.#output?.flush(),
        onTool: (outcome) => {
          this.#toolCalls++;
          reportTool(this.id, outcome, this.#setting);
        },
        permit,
        measure,
        log,
      },
      this.#cancel.signal,
    );
  }

  #abandonAttempt(): void {
    if (this.#attempt === null) return;
    this.#setting.measure(this.#attempt.cancel());
    this.#attempt = null;
    this.#eager = false;
    this.clock.forget("firstToken");
  }

  /** What this turn adds to the conversation before the answer. */
  #question(): Message[] {
    const input = this.#input;
    switch (input?.origin) {
      case "participant":
        return [{ role: "participant", participantId: input.participantId, text: input.text }];
      case "response":
        return [{ role: "instruction", text: input.instruction }];
      case "say":
      case undefined:
        return [];
      default:
        return input satisfies never;
    }
  }

  #go(state: TurnState): void {
    const allowed: readonly TurnState[] = nextStates[this.#state];
    if (!allowed.includes(state)) throw new Error(`A turn cannot go from ${this.#state} to ${state}`);
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
    if (!ran && this.#attempt) this.#setting.measure(this.#attempt.cancel());

    const heard = this.#output?.heard ?? "";
    const said: Message[] = this.#attempt?.reply.messages ?? [{ role: "agent", text: heard, toolCalls: [] }];
    this.#setting.conversation.append([...this.#question(), ...cutToHeard(said, heard.length)]);
    if (heard !== "") this.#transcript({ final: true, text: heard });
    this.#report(outcome, ran, heard, error);
    this.#resolve(outcome);
    this.#onEnd?.(outcome);
  }

  #transcript(words: { readonly final: boolean; readonly delta?: string; readonly text?: string }): void {
    const { emit, agentId } = this.#setting;
    emit({ type: "transcript", at: now(), role: "agent", turnId: this.id, participantId: agentId, ...words });
  }

  #report(outcome: TurnOutcome, ran: boolean, heard: string, error: unknown): void {
    const startedAt = this.#startedAt ?? now();
    const firstTextAt = this.#attempt?.reply.firstTextAt ?? null;
    const input = this.#input;
    reportTurn(
      {
        turnId: this.id,
        origin: input?.origin ?? "participant",
        outcome,
        durationMs: now() - startedAt,
        firstTokenMs: firstTextAt === null ? null : Math.max(0, firstTextAt - startedAt),
        toolCalls: this.#toolCalls,
        latency: this.clock.response(),
        eager: this.#eager,
        ...(outcome === "failed" ? { error: plainError(error) } : {}),
      },
      ran,
      { ...(input?.origin === "participant" ? { user: input.text } : {}), agent: heard },
      this.#setting,
    );
  }
}
