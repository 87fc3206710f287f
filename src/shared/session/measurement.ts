import type { ResponseLatency, TurnOutcome } from "./agent-event.ts";

/**
 * A measurement of a session thread. Durations are in milliseconds; null where there was nothing to measure.
 */
export type Measurement =
  | {
      readonly kind: "llm";
      readonly provider: string;
      readonly model: string;
      readonly outcome: "done" | "cancelled" | "failed";
      /** The time from the request to the end of the stream, tool rounds included. */
      readonly latencyMs: number;
      /** The time from the request to the first text, over tool rounds. */
      readonly firstTokenMs: number | null;
      readonly inputTokens: number;
      readonly outputTokens: number;
    }
  | {
      readonly kind: "tool";
      readonly provider: string;
      readonly model: string;
      readonly outcome: "done" | "cancelled" | "failed";
      readonly latencyMs: number;
    }
  | {
      readonly kind: "stt";
      readonly provider: string;
      readonly model: string;
      readonly latencyMs: number | null;
      readonly audioDurationMs: number;
    }
  | {
      readonly kind: "tts";
      readonly provider: string;
      readonly model: string;
      readonly latencyMs: number | null;
      readonly audioDurationMs: number;
      readonly characters: number;
    }
  | {
      readonly kind: "turn";
      readonly outcome: TurnOutcome;
      readonly durationMs: number;
      readonly trailingSilenceMs: number | null;
    }
  | (ResponseLatency & {
      readonly kind: "response";
      readonly outcome: TurnOutcome;
      readonly eager: boolean;
    })
  | {
      /** The lateness of frames of the agent's speech that were handed to the edge, over about a second of it. */
      readonly kind: "pacing";
      readonly worstMs: number;
      readonly p99Ms: number;
      readonly frames: number;
    }
  | {
      readonly kind: "realtime";
      readonly provider: string;
      readonly model: string;
      readonly audioInputDurationMs: number;
      readonly audioOutputDurationMs: number;
    }
  | {
      /** An unusable answer of a model. */
      readonly kind: "bad_answer";
      readonly provider: string;
      readonly model: string;
      /** A short class, such as `empty`, which becomes a label. */
      readonly reason: string;
    }
  | {
      readonly kind: "error";
      readonly component: "llm" | "stt" | "tts" | "edge" | "tool";
      readonly provider: string;
      /** A short class of errors, such as `timeout` or `http_429`, which becomes a label. */
      readonly error: string;
    };
