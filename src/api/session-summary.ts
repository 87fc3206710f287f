import type { EndReason } from "../shared/end-reasons.ts";
import type { PlainError } from "../shared/errors.ts";
import type { JsonValue } from "../shared/protocol.ts";
import type { SessionMetricsSnapshot } from "../shared/session/session-metric-fields.ts";

/** The consumption of one model by one session. It has only the fields of its component; durations are in milliseconds. */
export interface ModelUsage {
  readonly component: "llm" | "stt" | "tts" | "realtime";
  readonly provider: string;
  readonly model: string;
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly audio_duration_ms?: number;
  readonly characters?: number;
  readonly audio_input_duration_ms?: number;
  readonly audio_output_duration_ms?: number;
}

/** One utterance, as it was heard. */
export interface TranscriptLine {
  readonly role: "user" | "agent";
  readonly participantId: string;
  readonly text: string;
  /** The time of its end, in epoch milliseconds. */
  readonly at: number;
}

/** A summary of a session, told once after its end. */
export interface SessionSummary {
  readonly sessionId: string;
  readonly callId: string;
  readonly callType: string;
  /** The caller that started it: the value of `getCurrentUser`, or null. */
  readonly createdBy: JsonValue;
  readonly endReason: EndReason;
  /** The caller that asked for the close; null where nobody did. */
  readonly closeRequestedBy: string | null;
  /** The error that it ended of; null where there is none. */
  readonly error: PlainError | null;
  readonly startedAt: Date;
  readonly endedAt: Date;
  /** The time from its start to its end, in milliseconds. */
  readonly durationMs: number;
  /** Usage and latencies, under the names of `GET /sessions/{id}/metrics`. */
  readonly metrics: SessionMetricsSnapshot;
  /** The consumption by provider and model, which bills are made of. */
  readonly usage: readonly ModelUsage[];
  /** The transcript. It is there only where `includeTranscript` is set. */
  readonly transcript?: readonly TranscriptLine[];
}
