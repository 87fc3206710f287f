import { plainError } from "../errors.ts";
import {
  type AgentEvent,
  type Measurement,
  now,
  type TextMessage,
  type TurnEvent,
  type TurnOutcome,
} from "../protocol.ts";
import { type Conversation, cutToHeard, type Message } from "./conversation.ts";
import { errorKind } from "./error-kind.ts";
import type { Log } from "./host.ts";
import type { AgentLimits } from "./limits.ts";
import type { LLM } from "./llm.ts";
import type { Output } from "./output.ts";
import { Reply } from "./reply.ts";
import type { ToolOutcome } from "./tools.ts";

/** A turn goes through these in order, and ends once, with its outcome. */
export type TurnState = "committed" | "thinking" | "speaking" | TurnOutcome;

/** What may follow what. Hearing speech comes before `committed`. */
const nextStates = {
  committed: ["thinking", "speaking", "interrupted", "failed"],
  thinking: ["speaking", "done", "interrupted", "failed"],
  speaking: ["done", "interrupted", "failed"],
  done: [],
  interrupted: [],
  failed: [],
} as const satisfies Record<TurnState, readonly TurnState[]>;

/** What a turn answers or says. */
export type TurnInput =
  | { readonly origin: "participant"; readonly message: TextMessage }
  | { readonly origin: "response"; readonly instruction: string }
  | { readonly origin: "say"; readonly text: string };

/** What all turns of an agent share. */
export interface TurnSetting {
  readonly llm: LLM;
  readonly instructions: string;
  readonly agentId: string;
  readonly limits: AgentLimits;
  readonly conversation: Conversation;
  /** Makes the way to the other side for one turn; `send` tells each piece that is heard. */
  readonly openOutput: (send: (piece: string) => void) => Output;
  readonly emit: (event: AgentEvent) => void;
  readonly measure: (measurement: Measurement) => void;
  readonly log: Log;
  readonly logTranscripts: boolean;
}

/** One exchange: from words that were committed to the last word that the agent says about them. */
export class Turn {
  readonly id: string;
  readonly input: TurnInput;
  /** May words of a participant cut it short? */
  readonly interruptible: boolean;
  /** Resolves when it is over. */
  readonly ended: Promise<TurnOutcome>;
  readonly #setting: TurnSetting;
  readonly #resolve: (outcome: TurnOutcome) => void;
  readonly #cancel = new AbortController();
  readonly #output: Output;
  #state: TurnState = "committed";
  #startedAt: number | null = null;
  #reply: Reply | null = null;
  #toolCalls = 0;
  #onEnd: ((outcome: TurnOutcome) => void) | null = null;

  constructor(id: string, input: TurnInput, setting: TurnSetting, interruptible = true) {
    this.id = id;
    this.input = input;
    this.interruptible = interruptible;
    this.#setting = setting;
    this.#output = setting.openOutput((delta) => this.#transcript({ final: false, delta }));
    const { promise, resolve } = Promise.withResolvers<TurnOutcome>();
    this.ended = promise;
    this.#resolve = resolve;
  }

  get state(): TurnState {
    return this.#state;
  }

  get over(): boolean {
    return nextStates[this.#state].length === 0;
  }

  /** Takes the turn through to its end. Never rejects: what goes wrong is its outcome, told to `onEnd` at once. */
  async run(onEnd: (outcome: TurnOutcome) => void): Promise<void> {
    this.#onEnd = onEnd;
    try {
      this.#begin();
      if (this.input.origin === "say") this.#say(this.input.text);
      else await this.#respond();
      await this.#output.finish();
      this.#end("done");
    } catch (error) {
      this.fail(error);
    }
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
  #begin(): void {
    this.#startedAt = now();
    if (this.input.origin !== "participant") return;
    const { messageId, participantId, text } = this.input.message;
    this.#setting.emit({
      type: "transcript",
      at: now(),
      role: "user",
      turnId: this.id,
      participantId,
      final: true,
      text,
      messageId,
    });
  }

  #say(text: string): void {
    this.#cancel.signal.throwIfAborted();
    if (this.#state !== "speaking") this.#go("speaking");
    this.#output.write(text);
  }

  async #respond(): Promise<void> {
    const { llm, instructions, limits, conversation, log, measure } = this.#setting;
    this.#go("thinking");
    const reply = new Reply({
      llm,
      instructions,
      limits,
      messages: [...conversation.messages, ...this.#question()],
      signal: this.#cancel.signal,
      onText: (text) => this.#say(text),
      onTool: (outcome) => this.#toolEnded(outcome),
      log,
    });
    this.#reply = reply;
    try {
      await reply.run();
      measure(reply.measure("done"));
    } catch (error) {
      const cancelled = this.#cancel.signal.aborted;
      measure(reply.measure(cancelled ? "cancelled" : "failed"));
      if (!cancelled) {
        measure({ kind: "error", component: "llm", provider: llm.provider, error: errorKind(error) });
      }
      throw error;
    }
  }

  #toolEnded({ call, outcome, durationMs, error }: ToolOutcome): void {
    const { emit, measure, llm, log, logTranscripts } = this.#setting;
    const { provider, model } = llm;
    this.#toolCalls++;
    const ok = outcome === "done";
    emit({ type: "tool", at: now(), turnId: this.id, name: call.name, durationMs, ok });
    measure({ kind: "tool", provider, model, outcome, latencyMs: durationMs });
    if (outcome !== "failed") return;
    measure({ kind: "error", component: "tool", provider, error: errorKind(error) });
    log.warn(
      {
        turn_id: this.id,
        tool: call.name,
        ...(logTranscripts ? { arguments: call.arguments } : {}),
        err: plainError(error),
      },
      "a tool failed",
    );
  }

  /** What this turn adds to the conversation before the answer. */
  #question(): Message[] {
    switch (this.input.origin) {
      case "participant": {
        const { participantId, text } = this.input.message;
        return [{ role: "participant", participantId, text }];
      }
      case "response":
        return [{ role: "instruction", text: this.input.instruction }];
      case "say":
        return [];
      default:
        return this.input satisfies never;
    }
  }

  #go(state: TurnState): void {
    const allowed: readonly TurnState[] = nextStates[this.#state];
    if (!allowed.includes(state)) throw new Error(`A turn cannot go from ${this.#state} to ${state}`);
    this.#state = state;
  }

  #end(outcome: TurnOutcome, error?: unknown): void {
    if (this.over) return;
    if (this.#startedAt === null) this.#begin();
    this.#go(outcome);
    this.#output.cut();
    this.#cancel.abort(new DOMException(`The turn is ${outcome}`, "AbortError"));

    const { heard } = this.#output;
    const said: Message[] = this.#reply?.messages ?? [{ role: "agent", text: heard, toolCalls: [] }];
    this.#setting.conversation.append([...this.#question(), ...cutToHeard(said, heard.length)]);
    if (heard !== "") this.#transcript({ final: true, text: heard });
    this.#report(outcome, heard, error);
    this.#resolve(outcome);
    this.#onEnd?.(outcome);
  }

  #transcript(words: { readonly final: boolean; readonly delta?: string; readonly text?: string }): void {
    const { emit, agentId } = this.#setting;
    emit({ type: "transcript", at: now(), role: "agent", turnId: this.id, participantId: agentId, ...words });
  }

  #report(outcome: TurnOutcome, heard: string, error: unknown): void {
    const { emit, measure, log, logTranscripts } = this.#setting;
    const startedAt = this.#startedAt ?? now();
    const firstTextAt = this.#reply?.firstTextAt ?? null;
    const turn: TurnEvent = {
      type: "turn",
      at: now(),
      turnId: this.id,
      origin: this.input.origin,
      outcome,
      durationMs: now() - startedAt,
      firstTokenMs: firstTextAt === null ? null : firstTextAt - startedAt,
      toolCalls: this.#toolCalls,
      ...(outcome === "failed" ? { error: plainError(error) } : {}),
    };
    emit(turn);
    measure({ kind: "turn", outcome, durationMs: turn.durationMs, trailingSilenceMs: null });
    log[outcome === "failed" ? "error" : "info"](
      {
        turn_id: turn.turnId,
        origin: turn.origin,
        outcome,
        duration_ms: Math.round(turn.durationMs),
        first_token_ms: turn.firstTokenMs === null ? null : Math.round(turn.firstTokenMs),
        tool_calls: turn.toolCalls,
        ...(turn.error === undefined ? {} : { err: turn.error }),
        ...(logTranscripts
          ? {
              ...(this.input.origin === "participant" ? { user: this.input.message.text } : {}),
              agent: heard,
            }
          : {}),
      },
      "turn",
    );
  }
}
