import { plainError } from "../errors.ts";
import { now, type TextMessage, type TurnOutcome } from "../protocol.ts";
import { type Conversation, cutToHeard, type Message } from "./conversation.ts";
import { errorKind } from "./error-kind.ts";
import type { AgentLimits } from "./limits.ts";
import type { Output } from "./output.ts";
import { Reply } from "./reply.ts";
import { reportTool, reportTurn, type TurnReporting } from "./turn-report.ts";

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
export interface TurnSetting extends TurnReporting {
  readonly instructions: string;
  readonly agentId: string;
  readonly limits: AgentLimits;
  readonly conversation: Conversation;
  /** Makes the way to the other side for one turn; `send` tells each piece that is heard. */
  readonly openOutput: (send: (piece: string) => void) => Output;
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
      onTool: (outcome) => {
        this.#toolCalls++;
        reportTool(this.id, outcome, this.#setting);
      },
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
    const ran = this.#startedAt !== null;
    if (!ran) this.#begin();
    this.#go(outcome);
    this.#output.cut();
    this.#cancel.abort(new DOMException(`The turn is ${outcome}`, "AbortError"));

    const { heard } = this.#output;
    const said: Message[] = this.#reply?.messages ?? [{ role: "agent", text: heard, toolCalls: [] }];
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
    const firstTextAt = this.#reply?.firstTextAt ?? null;
    const { input } = this;
    reportTurn(
      {
        turnId: this.id,
        origin: input.origin,
        outcome,
        durationMs: now() - startedAt,
        firstTokenMs: firstTextAt === null ? null : firstTextAt - startedAt,
        toolCalls: this.#toolCalls,
        ...(outcome === "failed" ? { error: plainError(error) } : {}),
      },
      ran,
      { ...(input.origin === "participant" ? { user: input.message.text } : {}), agent: heard },
      this.#setting,
    );
  }
}
