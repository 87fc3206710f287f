import type { ModelUsage } from "../api/session-summary.ts";
import type { Measurement } from "../shared/measurement.ts";
import { otherLabel } from "./label-limit.ts";
import { reading } from "./reading.ts";
import { rounded } from "./rounded.ts";

type UsageField = Exclude<keyof ModelUsage, "component" | "provider" | "model">;

/** The most models that are told apart in one session; further ones are summed up as `other`. */
const mostModels = 20;

/** The consumption of one session, by component, provider and model. */
export class Usage {
  readonly #rows = new Map<string, ModelUsage>();

  record(measurement: Measurement): void {
    switch (measurement.kind) {
      case "llm":
        this.#add("llm", measurement, {
          input_tokens: measurement.inputTokens,
          output_tokens: measurement.outputTokens,
        });
        return;
      case "stt":
        this.#add("stt", measurement, { audio_duration_ms: measurement.audioDurationMs });
        return;
      case "tts":
        this.#add("tts", measurement, {
          characters: measurement.characters,
          audio_duration_ms: measurement.audioDurationMs,
        });
        return;
      case "realtime":
        this.#add("realtime", measurement, {
          audio_input_duration_ms: measurement.audioInputDurationMs,
          audio_output_duration_ms: measurement.audioOutputDurationMs,
        });
        return;
      case "tool":
      case "turn":
      case "response":
      case "bad_answer":
      case "pacing":
      case "error":
        return;
      default:
        measurement satisfies never;
    }
  }

  list(): readonly ModelUsage[] {
    return [...this.#rows.values()].map((row) => {
      const entries = Object.entries(row).map(([name, value]) => [
        name,
        typeof value === "number" ? rounded(value) : value,
      ]);
      return Object.fromEntries(entries) as ModelUsage;
    });
  }

  #add(
    component: ModelUsage["component"],
    source: { readonly provider: string; readonly model: string },
    consumed: Partial<Record<UsageField, number>>,
  ): void {
    let { provider, model } = source;
    let key = JSON.stringify([component, provider, model]);
    if (!this.#rows.has(key) && this.#rows.size >= mostModels) {
      provider = otherLabel;
      model = otherLabel;
      key = JSON.stringify([component, provider, model]);
    }
    const row = this.#rows.get(key);
    const sums: Partial<Record<UsageField, number>> = {};
    for (const [field, value] of Object.entries(consumed) as [UsageField, number][]) {
      sums[field] = (row?.[field] ?? 0) + (reading(value) ?? 0);
    }
    this.#rows.set(key, { component, provider, model, ...sums });
  }
}
