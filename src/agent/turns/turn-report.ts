import { plainError } from "../../shared/errors.ts";
import { now } from "../../shared/protocol.ts";
import type { ResponseLatency, TranscriptEvent, TurnOutcome } from "../../shared/session/agent-event.ts";
import type { CallContext } from "../call/call-context.ts";
import { errorClass, errorKind } from "../error-kind.ts";
import type { Blocked } from "../guards/judge.ts";
import { Captions } from "../hearing/captions.ts";
import type { PendingTurn } from "../resume/call-state.ts";
import type { Service } from "../service.ts";
import type { ToolOutcome } from "../tools/run-tools.ts";
import type { TurnInput } from "./turn-input.ts";

/** The result of a turn. */
export interface TurnResult {
  readonly outcome: TurnOutcome;
  readonly input: TurnInput | null;
  /** The words of the answer that were heard. */
  readonly heard: string;
  /** The time of the model's first text or sound, as epoch milliseconds. */
  readonly firstPartAt: number | null;
  readonly latency: ResponseLatency | null;
  readonly eager: boolean;
  /** The error of a turn that failed. */
  readonly error: unknown;
}

/** Tells what happens in one turn: events, measurements, and a log line at its end. */
export class TurnReport {
  readonly #turnId: string;
  readonly #context: CallContext;
  readonly #model: Service;
  /** The captions of a participant who is speaking. */
  #captions: Captions | null = null;
  #startedAt: number | null = null;
  #toolCalls = 0;

  /** @param model The model that calls the tools. */
  constructor(context: CallContext, turnId: string, model: Service) {
    this.#context = context;
    this.#turnId = turnId;
    this.#model = model;
  }

  /** Returns how far the agent's turn has come. */
  get progress(): { readonly startedAt: number; readonly toolCalls: number } {
    return { startedAt: this.#startedAt ?? now(), toolCalls: this.#toolCalls };
  }

  /** Reports the words that were understood so far. */
  understands(participantId: string, text: string): void {
    this.#captions ??= new Captions((interim) =>
      this.#transcript({ role: "user", participantId, final: false, interim }),
    );
    this.#captions.show(text);
  }

  /** Reports that a participant's words are final. */
  committed(): void {
    this.#captions?.close();
  }

  /** Words that are part of the call and are not answered by themselves. */
  notes(participantId: string, text: string, backchannel: boolean): void {
    this.#captions?.close();
    this.#transcript({
      role: "user",
      participantId,
      final: true,
      text,
      ...(backchannel ? { backchannel } : {}),
    });
  }

  /** Takes captions back, since nothing was said. */
  dropped(): void {
    this.#captions?.takeBack();
  }

  /** Begins the turn, whose time runs from here on. */
  begins(input: TurnInput | null): void {
    this.#startedAt = now();
    if (input?.origin !== "participant") this.dropped();
  }

  /** Reports the final words of the participant, which become part of the call whatever becomes of the answer. */
  asked({ messageId, participantId, text }: Extract<TurnInput, { readonly origin: "participant" }>): void {
    const message = messageId === undefined ? {} : { messageId };
    this.#transcript({ role: "user", participantId, final: true, text, ...message });
  }

  /** Tells a piece that is being heard. */
  says(delta: string): void {
    this.#transcript({ role: "agent", participantId: this.#context.agentUser.id, final: false, delta });
  }

  /** Tells that a tool call is over: an event, a measurement, and a log line where it failed. */
  tool({ call, outcome, durationMs, error }: ToolOutcome): void {
    const { emit, measure, log, logTranscripts } = this.#context;
    const { provider, model } = this.#model;
    const turnId = this.#turnId;
    this.#toolCalls += 1;
    emit({
      type: "tool",
      at: now(),
      turnId,
      name: call.name,
      durationMs,
      ...(outcome === "done" ? { ok: true } : { ok: false, error: errorClass(error) }),
    });
    measure({ kind: "tool", provider, model, outcome, latencyMs: durationMs });
    if (outcome !== "failed") return;
    measure({ kind: "error", component: "tool", provider, error: errorKind(error) });
    const args = logTranscripts ? { arguments: call.arguments } : {};
    log.warn(
      { event: "tool_failed", turn_id: turnId, tool: call.name, ...args, err: plainError(error) },
      "A tool failed",
    );
  }

  /** Reports that a guard has blocked the question, or the rest of the answer. */
  blocked({ guard, stage, reason }: Blocked): void {
    const turnId = this.#turnId;
    this.#context.emit({ type: "blocked", at: now(), turnId, guard, stage, reason });
    this.#context.log.warn(
      { event: "words_blocked", turn_id: turnId, guard, stage, reason },
      "A guard has blocked words",
    );
  }

  /** @param ran It was the agent's turn, if only for a moment; others are not measured. */
  over(result: TurnResult, ran: boolean): void {
    const { emit, measure, agentUser } = this.#context;
    const { outcome, input, heard, firstPartAt, latency, eager, error } = result;
    if (heard !== "")
      this.#transcript({ role: "agent", participantId: agentUser.id, final: true, text: heard });
    const startedAt = this.#startedAt ?? now();
    const durationMs = now() - startedAt;
    const firstTokenMs = firstPartAt === null ? null : Math.max(0, firstPartAt - startedAt);
    // Measured first: whoever hears that the turn is over finds its figures there.
    if (ran) measure({ kind: "turn", outcome, durationMs, trailingSilenceMs: latency?.endOfTurnMs ?? null });
    if (latency) measure({ kind: "response", outcome, eager, ...latency });
    emit({
      type: "turn",
      at: now(),
      turnId: this.#turnId,
      origin: input?.origin ?? "participant",
      outcome,
      durationMs,
      firstTokenMs,
      toolCalls: this.#toolCalls,
      latency,
      eager,
      ...(outcome === "failed" ? { error: plainError(error) } : {}),
    });
    this.#logEnd(result, durationMs, firstTokenMs);
  }

  #logEnd(
    { outcome, input, heard, latency, eager, error }: TurnResult,
    durationMs: number,
    firstTokenMs: number | null,
  ): void {
    const { log, logTranscripts } = this.#context;
    const user = input?.origin === "participant" ? { user: input.text } : {};
    log[outcome === "failed" ? "error" : "info"](
      {
        event: "turn",
        turn_id: this.#turnId,
        origin: input?.origin ?? "participant",
        outcome,
        duration_ms: Math.round(durationMs),
        first_token_ms: firstTokenMs === null ? null : Math.round(firstTokenMs),
        tool_calls: this.#toolCalls,
        ...(latency === null ? {} : { latency: latencyFields(latency), eager }),
        ...(outcome === "failed" ? { err: plainError(error) } : {}),
        ...(logTranscripts ? { ...user, agent: heard } : {}),
      },
      "A turn is over",
    );
  }

  #transcript(words: Omit<TranscriptEvent, "type" | "at" | "turnId">): void {
    this.#context.emit({ type: "transcript", at: now(), turnId: this.#turnId, ...words });
  }
}

/**
 * Tells the end of a turn that was cut by the end of its thread, in the place of that thread.
 * @param heard The agent's words in it that were heard.
 */
export function reportCutTurn(
  { emit, measure, log, agentUser }: CallContext,
  { turnId, origin, startedAt, toolCalls }: PendingTurn,
  heard: string,
): void {
  const outcome = "interrupted";
  const durationMs = Math.max(0, now() - startedAt);
  if (heard !== "")
    emit({
      type: "transcript",
      at: now(),
      role: "agent",
      turnId,
      participantId: agentUser.id,
      final: true,
      text: heard,
    });
  measure({ kind: "turn", outcome, durationMs, trailingSilenceMs: null });
  const times = { durationMs, firstTokenMs: null, latency: null };
  emit({ type: "turn", at: now(), turnId, origin, outcome, ...times, toolCalls, eager: false });
  log.info(
    {
      event: "turn",
      turn_id: turnId,
      origin,
      outcome,
      duration_ms: Math.round(durationMs),
      tool_calls: toolCalls,
    },
    "A turn was cut by the end of its thread",
  );
}

/** Returns a latency as log lines have it: whole milliseconds, names in snake_case, without the stages that there were not. */
function latencyFields(latency: ResponseLatency): Record<string, number> {
  const whole = (ms: number | undefined) => (ms === undefined ? undefined : Math.round(ms));
  const fields = {
    response_ms: whole(latency.responseMs),
    end_of_turn_ms: whole(latency.endOfTurnMs),
    first_token_ms: whole(latency.firstTokenMs),
    first_sentence_ms: whole(latency.firstSentenceMs),
    first_byte_ms: whole(latency.firstByteMs),
    output_ms: whole(latency.outputMs),
  };
  return Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, number] => field[1] !== undefined),
  );
}
