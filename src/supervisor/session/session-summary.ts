import { SessionMetrics } from "../../metrics/session-metrics.ts";
import type { ModelUsage } from "../../metrics/usage.ts";
import type { SessionRecord } from "../../registry/registry.ts";
import type { PlainError } from "../../shared/errors.ts";
import type { EndReason, JsonValue } from "../../shared/protocol.ts";
import type { SessionMetricsSnapshot } from "../../shared/session-metric-fields.ts";
import type { Session } from "./session.ts";
import type { TranscriptLine } from "./transcript.ts";

/** A summary of a session, told once after its end. */
export interface SessionSummary {
  readonly sessionId: string;
  readonly callId: string;
  readonly callType: string;
  readonly createdBy: JsonValue;
  readonly endReason: EndReason;
  /** The caller that asked for the close; null where nobody did. */
  readonly closeRequestedBy: string | null;
  readonly error: PlainError | null;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly durationMs: number;
  /** Usage and latencies, under the names of `GET /sessions/{id}/metrics`. */
  readonly metrics: SessionMetricsSnapshot;
  /** The consumption by provider and model, which bills are made of. */
  readonly usage: readonly ModelUsage[];
  /** The transcript. It is there only where `includeTranscript` is set. */
  readonly transcript?: readonly TranscriptLine[];
}

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
  return { name: "Error", message: `The process ${nodeId} died, stood still, or was cut off` };
}

/**
 * Returns the summary of a session whose process died. Its measurements died with it. Its length is by two clocks, and
 * so a rough one.
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
