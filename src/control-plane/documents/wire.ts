import type { z } from "zod";
import type { SessionEvent } from "../../api/session.ts";
import { rounded } from "../../metrics/rounded.ts";
import type { SessionEnd, SessionRecord } from "../../registry/registry.ts";
import type { ResponseLatency } from "../../shared/agent-event.ts";
import type { Guest, JsonObject } from "../../shared/protocol.ts";
import type { Session } from "../../supervisor/session/session.ts";
import { lostError } from "../../supervisor/session/session-summary.ts";
import type { sessionEvent } from "../events/event-schemas.ts";
import { type ErrorView, errorJson } from "../http/error-info.ts";
import type { offerAnswer } from "./guest-schemas.ts";
import type * as schemas from "./schemas.ts";

/*
 * The one place that translates what the server knows into what clients read: snake_case names, ISO 8601 times in UTC.
 */

export type StartedSession = z.output<typeof schemas.startedSession>;
export type SessionJson = z.output<typeof schemas.session>;

const iso = (epochMs: number): string => new Date(epochMs).toISOString();

const identityJson = (session: Session) => ({
  session_id: session.id,
  call_id: session.callId,
  call_type: session.callType,
  config: session.config,
  session_started_at: iso(session.startedAt),
  state: session.shownState,
});

export function startedJson(session: Session, token: string | null): StartedSession {
  return { ...identityJson(session), session_token: token };
}

export function sessionJson(session: Session, nodeId: string): SessionJson {
  const { resources } = session;
  return {
    ...identityJson(session),
    created_by: session.createdBy,
    resources: resources && {
      cpu_ms: rounded(resources.cpuMs),
      heap_bytes: resources.heapBytes,
      external_bytes: resources.externalBytes,
      event_loop_utilization: rounded(resources.eventLoopUtilization),
    },
    last_latency: {
      response_ms: roundedOrNull(session.metrics.lastResponseMs),
      first_token_ms: roundedOrNull(session.metrics.lastFirstTokenMs),
    },
    resumes: session.resumes,
    node_id: nodeId,
  };
}

const roundedOrNull = (ms: number | null): number | null => (ms === null ? null : rounded(ms));

/** Returns the fields that the 404 of an ended session adds, for a caller who may view it. */
export function endJson(session: Session, view: ErrorView) {
  return {
    end_reason: session.endReason,
    session_ended_at: session.endedAt === null ? null : iso(session.endedAt),
    error: session.error && errorJson(session.error, view),
  };
}

/**
 * Returns the same for a session of a replica that cannot be asked. The registry does not keep the error of its end,
 * unless it was lost.
 */
export function foreignEndJson(record: SessionRecord, { reason, endedAt }: SessionEnd) {
  const error = reason === "lost" ? errorJson(lostError(record), "whole") : null;
  return { end_reason: reason, session_ended_at: iso(endedAt), error };
}

export function metricsJson(session: Session, generatedAt: number): z.output<typeof schemas.sessionMetrics> {
  return {
    session_id: session.id,
    call_id: session.callId,
    session_started_at: iso(session.startedAt),
    metrics_generated_at: iso(generatedAt),
    metrics: session.metrics.snapshot(),
  };
}

/** Returns the answer with a join token. The fields that the edge made come with it, under the edge's own names. */
export function joinTokenJson(
  session: Session,
  guest: Guest,
  expiresAt: number,
  made: JsonObject,
): JsonObject {
  return {
    // An edge that knows better when its tokens expire overrides this time.
    expires_at: iso(expiresAt),
    ...made,
    call_type: session.callType,
    call_id: session.callId,
    user_id: guest.id,
    user_name: guest.name,
  };
}

/** Returns the answer to an offer. */
export function offerJson(session: Session, guest: Guest, answer: JsonObject): z.output<typeof offerAnswer> {
  return {
    call_type: session.callType,
    call_id: session.callId,
    user_id: guest.id,
    user_name: guest.name,
    answer,
  };
}

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

/** Returns the data of a server-sent event. */
export function eventJson(event: SessionEvent, view: ErrorView): z.output<typeof sessionEvent> {
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
