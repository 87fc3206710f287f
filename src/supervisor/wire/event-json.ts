import type { SessionEvent } from "../../api/session.ts";
import { rounded } from "../../metrics/rounded.ts";
import type { ResponseLatency } from "../../shared/session/agent-event.ts";
import { type ErrorView, errorJson } from "./error-json.ts";

const iso = (epochMs: number): string => new Date(epochMs).toISOString();

/**
 * Returns the latency with the whole rounded, where each part ends where the next begins, so that the parts still add
 * up exactly.
 */
function latencyJson(latency: ResponseLatency) {
  let end = 0;
  const part = (ms: number | undefined): number | undefined => {
    if (ms === undefined) return undefined;
    const begin = rounded(end);
    end += ms;
    return rounded(rounded(end) - begin);
  };
  return {
    response_ms: rounded(latency.responseMs),
    end_of_turn_ms: part(latency.endOfTurnMs),
    first_token_ms: part(latency.firstTokenMs),
    first_sentence_ms: part(latency.firstSentenceMs),
    first_byte_ms: part(latency.firstByteMs),
    output_ms: part(latency.outputMs),
  };
}

/** Returns the reason for which a thread or a session has ended, as clients read it. */
const causeJson = (
  { reason, error }: Extract<SessionEvent, { readonly type: "end" | "interrupted" }>,
  view: ErrorView,
) => ({
  reason,
  error: error && errorJson(error, view),
});

/** Returns an event as clients read it. */
export function eventJson(event: SessionEvent, view: ErrorView) {
  const at = iso(event.at);
  switch (event.type) {
    case "state":
      return { type: event.type, at, state: event.state };
    case "transcript":
      return {
        type: event.type,
        at,
        role: event.role,
        turn_id: event.turnId,
        participant_id: event.participantId,
        final: event.final,
        delta: event.delta,
        interim: event.interim,
        text: event.text,
        backchannel: event.backchannel,
        message_id: event.messageId,
      };
    case "turn":
      return {
        type: event.type,
        at,
        turn_id: event.turnId,
        origin: event.origin,
        outcome: event.outcome,
        duration_ms: rounded(event.durationMs),
        first_token_ms: event.firstTokenMs && rounded(event.firstTokenMs),
        tool_calls: event.toolCalls,
        latency: event.latency && latencyJson(event.latency),
        eager: event.eager,
        error: event.error && errorJson(event.error, view),
      };
    case "tool":
      return {
        type: event.type,
        at,
        turn_id: event.turnId,
        name: event.name,
        duration_ms: rounded(event.durationMs),
        ok: event.ok,
        error: event.error,
      };
    case "user_silent":
      return { type: event.type, at, silent_ms: rounded(event.silentMs), times: event.times };
    case "participant_unheard":
      return {
        type: event.type,
        at,
        participant_id: event.participantId,
        error: errorJson(event.error, view),
      };
    case "participant_heard":
      return { type: event.type, at, participant_id: event.participantId };
    case "blocked":
      return {
        type: event.type,
        at,
        turn_id: event.turnId,
        guard: event.guard,
        stage: event.stage,
        reason: event.reason,
      };
    case "role":
      return { type: event.type, at, role: event.role, by: event.by };
    case "interrupted":
      return { type: event.type, at, ...causeJson(event, view) };
    case "end":
      return { type: event.type, at, ...causeJson(event, view) };
    case "resumed":
      return { type: event.type, at, times: event.times };
    case "metrics":
      return { type: event.type, at, metrics: event.metrics };
    default:
      return event satisfies never;
  }
}
