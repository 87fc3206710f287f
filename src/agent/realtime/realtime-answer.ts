import { durationMs } from "../../audio/pcm.ts";
import { DeadlineError } from "../../shared/deadline.ts";
import { now } from "../../shared/protocol.ts";
import type { CallContext } from "../call/call-context.ts";
import { errorKind } from "../error-kind.ts";
import type { Message, ToolCall, ToolResult } from "../model/message.ts";
import type { RealtimeModel } from "../realtime-model.ts";
import type { Handoff } from "../role/handoff.ts";
import type { Tools } from "../tools/tools.ts";
import type { Heard } from "../turns/heard.ts";
import type { Answer, AnswerPart } from "../turns/responder.ts";
import { ToolDesk } from "./tool-desk.ts";

export interface RealtimeAnswerOptions {
  readonly model: RealtimeModel;
  readonly tools: Tools;
  /** Fires when the session is over, and with it what outlives a turn. */
  readonly signal: AbortSignal;
  readonly onResult: (result: ToolResult) => void;
  /** Throws where a tool cannot hand the conversation over. */
  readonly checkHandoff: (handoff: Handoff) => void;
  /** Takes on the role that a tool hands the conversation over to, once the other tools of its round are over. */
  readonly onHandoff: (handoff: Handoff) => void;
  /** Takes a handoff that comes once the answer is over, of a model that goes on while its tools run. */
  readonly onLateHandoff: (handoff: Handoff) => void;
  /** The turn is over. `heard`: null where all of it was. */
  readonly onEnd: (heard: Heard | null) => void;
}

/** The silence after which an answer is over of a model that does not tell, in milliseconds. */
const pauseMs = 1_500;

/**
 * One answer of a speech-to-speech model: expected, then begun under an id of the model, then over. It ends in time whatever
 * the model does: where nothing comes it fails, and where no end comes it is over.
 */
export class RealtimeAnswer implements Answer {
  readonly #context: CallContext;
  readonly #options: RealtimeAnswerOptions;
  readonly #desk: ToolDesk;
  readonly #startedAt = now();
  readonly #given = Promise.withResolvers<void>();
  readonly #over = new AbortController();
  readonly #held: AnswerPart[] = [];
  readonly #heldCalls: ToolCall[] = [];
  #give: ((part: AnswerPart) => void) | null = null;
  /** Words since the last round of tools. */
  #text = "";
  #length = 0;
  #firstPartAt: number | null = null;
  #soundMs = 0;
  #tokens = { input: 0, output: 0 };
  #settled = false;
  /** The model has said that it is over. */
  #complete = false;
  #watchdog: NodeJS.Timeout | undefined;
  /** The handoff with which the answer ends, and the calls that asked for one: their results are for the next role. */
  #handoff: Handoff | null = null;
  readonly #handing = new Set<string>();
  readonly #untold: ToolResult[] = [];

  constructor(context: CallContext, options: RealtimeAnswerOptions) {
    this.#context = context;
    this.#options = options;
    // A failure is reported to the turn that releases the answer. Where the answer ends before, its rejection
    // must not be unhandled.
    this.#given.promise.catch(() => undefined);
    const { model, tools, signal } = options;
    this.#desk = new ToolDesk(context, {
      tools,
      signal: model.capabilities.asyncTools ? signal : this.#over.signal,
      onOutcome: (outcome) => this.#give?.({ type: "tool", outcome }),
      onResult: (result) => this.#result(result),
      onHandoff: (handoff, { id }) => {
        options.checkHandoff(handoff);
        this.#handoff = handoff;
        this.#handing.add(id);
      },
    });
    this.#expectFirst();
  }

  get firstPartAt(): number | null {
    return this.#firstPartAt;
  }

  /** Returns whether its turn is over. */
  get over(): boolean {
    return this.#over.signal.aborted;
  }

  get messages(): readonly Message[] {
    return [...this.#desk.messages, { role: "agent", text: this.#text, toolCalls: [] }];
  }

  get underWay(): readonly Message[] {
    return [...this.#desk.underWay, { role: "agent", text: this.#text, toolCalls: [] }];
  }

  async release(give: (part: AnswerPart) => void): Promise<void> {
    this.#give = give;
    for (const part of this.#held.splice(0)) give(part);
    for (const call of this.#heldCalls.splice(0)) this.#call(call);
    await this.#given.promise;
  }

  end(heard: Heard | null): void {
    if (this.#over.signal.aborted) return;
    const reason = new DOMException("The answer is not wanted any more", "AbortError");
    this.#settle("cancelled", reason);
    this.#over.abort(reason);
    // The model goes on in the same session for now, and has asked for them.
    if (heard !== null) for (const result of this.#untold.splice(0)) this.#options.onResult(result);
    this.#options.onEnd(heard);
  }

  /** Takes the next piece of what the model says. */
  take(part: Extract<AnswerPart, { readonly type: "sound" | "words" | "text" }>): void {
    if (this.#settled) return;
    this.#firstPartAt ??= now();
    if (part.type === "sound") this.#soundMs += durationMs(part.frame);
    else {
      this.#text += part.delta;
      this.#length += part.delta.length;
      const { maxReplyLength } = this.#context.limits;
      if (this.#length > maxReplyLength) {
        this.fail(new Error(`The answer of ${this.#name} passed ${maxReplyLength} characters`));
        return;
      }
    }
    this.#pass(part);
    this.#expectMore();
  }

  call(call: ToolCall): void {
    if (this.#settled) return;
    if (this.#give) this.#call(call);
    else this.#heldCalls.push(call);
  }

  withdraw(callIds: readonly string[]): void {
    this.#desk.withdraw(callIds);
    for (const id of callIds) {
      const held = this.#heldCalls.findIndex((call) => call.id === id);
      if (held >= 0) this.#heldCalls.splice(held, 1);
    }
  }

  /** Adds tokens. Those that are told after the end are measured by themselves. */
  used(inputTokens: number, outputTokens: number): void {
    this.#tokens.input += inputTokens;
    this.#tokens.output += outputTokens;
    if (!this.#settled) return;
    const { provider, model } = this.#options.model;
    const late = { latencyMs: 0, firstTokenMs: null, inputTokens, outputTokens };
    this.#context.measure({ kind: "llm", provider, model, outcome: "cancelled", ...late });
  }

  /** Takes in that the model has said all. Tools that it does not wait for may still run. */
  complete(): void {
    this.#complete = true;
    if (this.#heldCalls.length > 0) return;
    if (!this.#desk.busy || this.#options.model.capabilities.asyncTools) this.#settle("done", null);
  }

  /** Takes in that the model has broken off. */
  interrupted(): void {
    this.#pass({ type: "interrupted" });
    this.#settle("cancelled", null);
  }

  fail(error: unknown): void {
    this.#settle("failed", error);
  }

  get #name(): string {
    const { provider, model } = this.#options.model;
    return `${provider} ${model}`;
  }

  /** Gives a part, or holds it. An error of the receiver fails the answer, and not the session. */
  #pass(part: AnswerPart): void {
    if (this.#give === null) {
      this.#held.push(part);
      return;
    }
    try {
      this.#give(part);
    } catch (error) {
      this.fail(error);
    }
  }

  #call(call: ToolCall): void {
    clearTimeout(this.#watchdog);
    const before = this.#text;
    this.#text = "";
    this.#pass({ type: "pause" });
    this.#desk.take(call, before);
    this.#pass({ type: "step" });
  }

  #result(result: ToolResult): void {
    const hands = this.#handing.has(result.callId);
    if (hands && !this.#settled) this.#untold.push(result);
    else this.#options.onResult(result);
    if (hands && this.#settled && this.#handoff !== null) this.#options.onLateHandoff(this.#handoff);
    if (!this.#settled) this.#pass({ type: "step" });
    if (this.#settled || this.#desk.busy) return;
    if (this.#handoff !== null) this.#handOver(this.#handoff);
    else if (this.#complete) this.complete();
    else this.#expectFirst();
  }

  /** Ends the answer: the next role goes on, in a turn of its own. */
  #handOver(handoff: Handoff): void {
    this.#options.onHandoff(handoff);
    this.#pass({ type: "handoff", handoff });
    this.#settle("done", null);
  }

  /** Waits for the model to say something: where it says nothing for long, the answer has failed. */
  #expectFirst(): void {
    const { firstTokenTimeoutMs: limitMs } = this.#context.limits;
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      const what = `The first sound of ${this.#name} took longer than ${limitMs} ms`;
      this.fail(new DeadlineError(what, "limits.firstTokenTimeoutMs"));
    }, limitMs);
  }

  /** Waits for the model to say more: where nothing follows for long, that was all. */
  #expectMore(): void {
    const { endsAnswers } = this.#options.model.capabilities;
    clearTimeout(this.#watchdog);
    if (this.#desk.busy) return;
    const waitMs = endsAnswers ? this.#context.limits.stalledTurnMs : pauseMs;
    this.#watchdog = setTimeout(() => {
      if (endsAnswers)
        this.#context.log.warn(
          { event: "model_answer_unended", waited_ms: waitMs },
          "The model did not end its answer",
        );
      this.complete();
    }, waitMs);
  }

  #settle(outcome: "done" | "cancelled" | "failed", error: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#watchdog);
    this.#measure(outcome);
    if (outcome === "failed") {
      const { provider } = this.#options.model;
      this.#context.measure({ kind: "error", component: "llm", provider, error: errorKind(error) });
    }
    if (error === null) this.#given.resolve();
    else this.#given.reject(error);
  }

  #measure(outcome: "done" | "cancelled" | "failed"): void {
    const { measure } = this.#context;
    const { provider, model } = this.#options.model;
    measure({
      kind: "llm",
      provider,
      model,
      outcome,
      latencyMs: now() - this.#startedAt,
      firstTokenMs: this.#firstPartAt === null ? null : this.#firstPartAt - this.#startedAt,
      inputTokens: this.#tokens.input,
      outputTokens: this.#tokens.output,
    });
    if (this.#soundMs === 0) return;
    measure({
      kind: "realtime",
      provider,
      model,
      audioInputDurationMs: 0,
      audioOutputDurationMs: this.#soundMs,
    });
  }
}
