import type { SessionSummary } from "../../api/session-summary.ts";
import type { PlainError } from "../../shared/errors.ts";
import type { JsonObject } from "../../shared/protocol.ts";
import type { WebhookMessage } from "./webhook.ts";

/**
 * Returns the webhook message `session.ended`. Of an error and its causes only name, message and code leave the
 * process, no stack.
 */
export function sessionEndedMessage(summary: SessionSummary): WebhookMessage {
  const { error, transcript } = summary;
  const data: JsonObject = {
    session_id: summary.sessionId,
    call_id: summary.callId,
    call_type: summary.callType,
    created_by: summary.createdBy,
    end_reason: summary.endReason,
    close_requested_by: summary.closeRequestedBy,
    error: error === null ? null : errorData(error),
    session_started_at: summary.startedAt.toISOString(),
    session_ended_at: summary.endedAt.toISOString(),
    duration_ms: summary.durationMs,
    metrics: summary.metrics,
    usage: summary.usage.map((row) => ({ ...row })),
  };
  if (transcript !== undefined) {
    data.transcript = transcript.map(({ role, participantId, text, at }) => ({
      role,
      participant_id: participantId,
      text,
      at: new Date(at).toISOString(),
    }));
  }
  return { type: "session.ended", timestamp: summary.endedAt.toISOString(), data };
}

function errorData({ name, message, code, cause, errors }: PlainError): JsonObject {
  return {
    name,
    message,
    code: code ?? null,
    ...(cause === undefined ? {} : { cause: errorData(cause) }),
    ...(errors === undefined ? {} : { errors: errors.map(errorData) }),
  };
}

/** Returns the id of the message, the same for every process that tells of the end of this session. */
export function sessionEndedMessageId(sessionId: string): string {
  return `msg_${sessionId}`;
}
