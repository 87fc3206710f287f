import type { Measurement } from "../protocol.ts";
import type { SessionMetricName, SessionMetricsSnapshot } from "./catalogue.ts";
import { sessionMetricFields } from "./catalogue.ts";
import { reading } from "./reading.ts";
import { rounded } from "./rounded.ts";
import { type ModelUsage, Usage } from "./usage.ts";

type AverageName = Extract<SessionMetricName, `${string}__avg`>;
type TotalName = Exclude<SessionMetricName, AverageName>;

/**
 * The metrics of one session, with the names and meanings of Vision Agents: averages are of what was completed (a tool
 * call that failed was), totals are of everything that was consumed.
 */
export class SessionMetrics {
  readonly #sums = new Map<SessionMetricName, number>();
  readonly #counts = new Map<AverageName, number>();
  readonly #usage = new Usage();

  record(measurement: Measurement): void {
    this.#usage.record(measurement);
    switch (measurement.kind) {
      case "llm":
        this.#add("llm_input_tokens__total", measurement.inputTokens);
        this.#add("llm_output_tokens__total", measurement.outputTokens);
        if (measurement.outcome === "done") {
          this.#sample("llm_latency_ms__avg", measurement.latencyMs);
          this.#sample("llm_time_to_first_token_ms__avg", measurement.firstTokenMs);
        }
        return;
      case "tool":
        this.#add("llm_tool_calls__total", 1);
        if (measurement.outcome !== "cancelled") {
          this.#sample("llm_tool_latency_ms__avg", measurement.latencyMs);
        }
        return;
      case "stt":
        this.#add("stt_audio_duration_ms__total", measurement.audioDurationMs);
        this.#sample("stt_latency_ms__avg", measurement.latencyMs);
        return;
      case "tts":
        this.#add("tts_audio_duration_ms__total", measurement.audioDurationMs);
        this.#add("tts_characters__total", measurement.characters);
        this.#sample("tts_latency_ms__avg", measurement.latencyMs);
        return;
      case "turn":
        if (measurement.outcome === "done") {
          this.#sample("turn_duration_ms__avg", measurement.durationMs);
        }
        this.#sample("turn_trailing_silence_ms__avg", measurement.trailingSilenceMs);
        return;
      case "realtime":
        this.#add("realtime_audio_input_duration_ms__total", measurement.audioInputDurationMs);
        this.#add("realtime_audio_output_duration_ms__total", measurement.audioOutputDurationMs);
        return;
      case "response":
        this.#sample("response_latency_ms__avg", measurement.latency.responseMs);
        this.#sample("eot_latency_ms__avg", measurement.latency.endOfTurnMs);
        return;
      case "bad_answer":
      case "pacing":
      case "error":
        return;
      default:
        measurement satisfies never;
    }
  }

  snapshot(): SessionMetricsSnapshot {
    const entries = (Object.keys(sessionMetricFields) as SessionMetricName[]).map((name) => {
      const sum = this.#sums.get(name) ?? 0;
      if (!isAverage(name)) return [name, rounded(sum)] as const;
      const count = this.#counts.get(name) ?? 0;
      return [name, count === 0 ? null : rounded(sum / count)] as const;
    });
    return Object.fromEntries(entries) as SessionMetricsSnapshot;
  }

  /** What was consumed, by provider and model: what a bill is made of. */
  get usage(): readonly ModelUsage[] {
    return this.#usage.list();
  }

  #add(name: TotalName, value: number): void {
    this.#sums.set(name, (this.#sums.get(name) ?? 0) + (reading(value) ?? 0));
  }

  #sample(name: AverageName, value: number | null): void {
    const sample = reading(value);
    if (sample === null) return;
    this.#sums.set(name, (this.#sums.get(name) ?? 0) + sample);
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }
}

function isAverage(name: SessionMetricName): name is AverageName {
  return name.endsWith("__avg");
}
