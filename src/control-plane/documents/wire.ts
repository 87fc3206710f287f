import type { z } from "zod";
import { rounded } from "../../metrics/rounded.ts";
import type { SessionEnd, SessionRecord } from "../../registry/registry.ts";
import type { Guest, JsonObject } from "../../shared/protocol.ts";
import type { Session } from "../../supervisor/session/session.ts";
import { lostError } from "../../supervisor/session/session-summary.ts";
import { type ErrorView, errorJson } from "../../supervisor/wire/error-json.ts";
import type { offerAnswer } from "./guest-schemas.ts";
import type * as schemas from "./schemas.ts";

/*
 * What clients read of what the server knows: snake_case names, ISO 8601 times in UTC. Events are translated in `src/supervisor/wire/`.
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
    role: session.role,
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
