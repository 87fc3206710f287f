import type { SessionSummary } from "../../api/session-summary.ts";
import { SessionMetrics } from "../../metrics/session-metrics.ts";
import type { SessionRecord } from "../../registry/registry.ts";
import type { PlainError } from "../../shared/errors.ts";
import type { Session } from "./session.ts";

/** Returns the summary of a session, which must have ended. */
export function summarize(session: Session): SessionSummary {
  const endedAt = session.endedAt ?? session.startedAt;
  return {
    sessionId: session.id,
    callId: session.callId,
    callType: session.callType,
    createdBy: session.createdBy,
    endReason: session.endReason ?? "lost",
    closeRequestedBy: session.closeRequestedBy,
    error: session.error,
    startedAt: new Date(session.startedAt),
    endedAt: new Date(endedAt),
    durationMs: Math.round(endedAt - session.startedAt),
    metrics: session.metrics.snapshot(),
    usage: session.metrics.usage,
    ...(session.transcript ? { transcript: session.transcript.lines } : {}),
  };
}

export function lostError({ nodeId }: Pick<SessionRecord, "nodeId">): PlainError {
  return { name: "Error", message: `The process ${nodeId} ended unexpectedly, stood still, or was cut off` };
}

/**
 * Returns the summary of a session whose process is dead. Its measurements are lost. Its length is rough, since it is
 * taken by the clocks of two processes.
 */
export function summarizeLost({ end, startedAt, ...record }: SessionRecord): SessionSummary {
  const endedAt = end?.endedAt ?? startedAt;
  const metrics = new SessionMetrics();
  return {
    sessionId: record.sessionId,
    callId: record.callId,
    callType: record.callType,
    createdBy: record.createdBy,
    endReason: "lost",
    closeRequestedBy: null,
    error: lostError(record),
    startedAt: new Date(startedAt),
    endedAt: new Date(endedAt),
    durationMs: Math.max(0, Math.round(endedAt - startedAt)),
    metrics: metrics.snapshot(),
    usage: metrics.usage,
  };
}
