import type { ModelUsage } from "../api/session-summary.ts";
import type { Measurement } from "../shared/measurement.ts";
import {
  type SessionMetricName,
  type SessionMetricsSnapshot,
  sessionMetricFields,
} from "../shared/session-metric-fields.ts";
import { reading } from "./reading.ts";
import { rounded } from "./rounded.ts";
import { Usage } from "./usage.ts";

type AverageName = Extract<SessionMetricName, `${string}__avg`>;
type TotalName = Exclude<SessionMetricName, AverageName>;

const names = Object.keys(sessionMetricFields) as SessionMetricName[];
const places = Object.fromEntries(names.map((name, place) => [name, place])) as Record<
  SessionMetricName,
  number
>;

/**
 * The metrics of one session, with the names and meanings of Vision Agents: averages are over completed operations (a
 * failed tool call counts as completed), totals are of everything that was consumed.
 */
export class SessionMetrics {
  // The sums are in the order of `names`. Arrays are used, since thousands of ended sessions keep theirs, and
  // a map takes three times the memory.
  readonly #sums = names.map(() => 0);
  readonly #counts = names.map(() => 0);
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
        this.#sample("eot_latency_ms__avg", measurement.latency.endOfTurnMs ?? null);
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
    const entries = names.map((name, place) => {
      const sum = this.#sums[place] ?? 0;
      if (!isAverage(name)) return [name, rounded(sum)] as const;
      const count = this.#counts[place] ?? 0;
      return [name, count === 0 ? null : rounded(sum / count)] as const;
    });
    return Object.fromEntries(entries) as SessionMetricsSnapshot;
  }

  /** Returns the consumption by provider and model, for billing. */
  get usage(): readonly ModelUsage[] {
    return this.#usage.list();
  }

  #add(name: TotalName, value: number): void {
    this.#count(name, reading(value) ?? 0);
  }

  #sample(name: AverageName, value: number | null): void {
    const sample = reading(value);
    if (sample !== null) this.#count(name, sample);
  }

  #count(name: SessionMetricName, value: number): void {
    const place = places[name];
    this.#sums[place] = (this.#sums[place] ?? 0) + value;
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
  }
}

function isAverage(name: SessionMetricName): name is AverageName {
  return name.endsWith("__avg");
}
