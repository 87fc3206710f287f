import { plainError } from "../errors.ts";
import { type AgentEvent, type Measurement, now, type ResponseLatency, type TurnEvent } from "../protocol.ts";
import { errorKind } from "./error-kind.ts";
import type { Log } from "./host.ts";
import type { LLM } from "./llm.ts";
import type { ToolOutcome } from "./tools.ts";

/** Whom a turn tells what happens in it. */
export interface TurnReporting {
  readonly llm: LLM;
  readonly emit: (event: AgentEvent) => void;
  readonly measure: (measurement: Measurement) => void;
  readonly log: Log;
  readonly logTranscripts: boolean;
}

/** What was said in a turn, for logs that may hold it. */
export interface TurnWords {
  readonly user?: string;
  readonly agent: string;
}

/** Tells that a turn is over: an event, a measurement of one that ran, and one log line. */
export function reportTurn(
  turn: Omit<TurnEvent, "type" | "at">,
  ran: boolean,
  words: TurnWords,
  { emit, measure, log, logTranscripts }: TurnReporting,
): void {
  const { outcome, durationMs, firstTokenMs, latency, eager, error } = turn;
  emit({ type: "turn", at: now(), ...turn });
  if (ran) measure({ kind: "turn", outcome, durationMs, trailingSilenceMs: latency?.endOfTurnMs ?? null });
  if (latency) measure({ kind: "response", outcome, eager, latency });
  log[outcome === "failed" ? "error" : "info"](
    {
      turn_id: turn.turnId,
      origin: turn.origin,
      outcome,
      duration_ms: Math.round(durationMs),
      first_token_ms: firstTokenMs === null ? null : Math.round(firstTokenMs),
      tool_calls: turn.toolCalls,
      ...(latency === null ? {} : { latency: latencyFields(latency), eager }),
      ...(error === undefined ? {} : { err: error }),
      ...(logTranscripts ? words : {}),
    },
    "turn",
  );
}

/** Tells that a tool call is over: an event, a measurement, and a log line where it failed. */
export function reportTool(
  turnId: string,
  { call, outcome, durationMs, error }: ToolOutcome,
  { llm, emit, measure, log, logTranscripts }: TurnReporting,
): void {
  const { provider, model } = llm;
  emit({ type: "tool", at: now(), turnId, name: call.name, durationMs, ok: outcome === "done" });
  measure({ kind: "tool", provider, model, outcome, latencyMs: durationMs });
  if (outcome !== "failed") return;
  measure({ kind: "error", component: "tool", provider, error: errorKind(error) });
  const args = logTranscripts ? { arguments: call.arguments } : {};
  log.warn({ turn_id: turnId, tool: call.name, ...args, err: plainError(error) }, "a tool failed");
}

/** As log lines have it: whole milliseconds, names in snake_case. */
function latencyFields(latency: ResponseLatency): Record<string, number> {
  return {
    response_ms: Math.round(latency.responseMs),
    end_of_turn_ms: Math.round(latency.endOfTurnMs),
    first_token_ms: Math.round(latency.firstTokenMs),
    first_sentence_ms: Math.round(latency.firstSentenceMs),
    first_byte_ms: Math.round(latency.firstByteMs),
    output_ms: Math.round(latency.outputMs),
  };
}
