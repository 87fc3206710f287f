import type { ResponseLatency } from "../shared/agent-event.ts";
import type { Measurement } from "../shared/measurement.ts";
import type { Families } from "./families.ts";
import { LabelLimit } from "./label-limit.ts";
import { type ResponsePart, responseParts } from "./labels.ts";
import { reading } from "./reading.ts";

/** The parts of a response in the order of their time, and the field in which each is found. */
const partField = {
  end_of_turn: "endOfTurnMs",
  first_token: "firstTokenMs",
  first_sentence: "firstSentenceMs",
  first_byte: "firstByteMs",
  output: "outputMs",
} as const satisfies Record<ResponsePart, keyof ResponseLatency>;

type Counted = { inc(labels: Record<string, string>, value: number): void };
type Observed = { observe(labels: Record<string, string>, value: number): void };

/** Counts measurements of session threads. It never throws, whatever a provider's code reports. */
export class ProviderMetrics {
  readonly #families: Families;
  readonly #provider = new LabelLimit();
  readonly #model = new LabelLimit();
  readonly #outcome = new LabelLimit();
  readonly #component = new LabelLimit();
  readonly #error = new LabelLimit();

  constructor(families: Families) {
    this.#families = families;
  }

  record(measurement: Measurement): void {
    const to = this.#families;
    switch (measurement.kind) {
      case "llm": {
        const labels = this.#labels(measurement);
        const withOutcome = { ...labels, outcome: this.#outcome.admit(measurement.outcome) };
        observeMs(to.llmLatencySeconds, withOutcome, measurement.latencyMs);
        observeMs(to.llmFirstTokenSeconds, withOutcome, measurement.firstTokenMs);
        count(to.llmTokens, { ...labels, direction: "input" }, measurement.inputTokens);
        count(to.llmTokens, { ...labels, direction: "output" }, measurement.outputTokens);
        return;
      }
      case "tool": {
        const labels = { ...this.#labels(measurement), outcome: this.#outcome.admit(measurement.outcome) };
        count(to.llmToolCalls, labels, 1);
        observeMs(to.llmToolLatencySeconds, labels, measurement.latencyMs);
        return;
      }
      case "stt": {
        const labels = this.#labels(measurement);
        observeMs(to.sttLatencySeconds, labels, measurement.latencyMs);
        countMs(to.sttAudioSeconds, labels, measurement.audioDurationMs);
        return;
      }
      case "tts": {
        const labels = this.#labels(measurement);
        observeMs(to.ttsLatencySeconds, labels, measurement.latencyMs);
        countMs(to.ttsAudioSeconds, labels, measurement.audioDurationMs);
        count(to.ttsCharacters, labels, measurement.characters);
        return;
      }
      case "turn":
        observeMs(
          to.turnSeconds,
          { outcome: this.#outcome.admit(measurement.outcome) },
          measurement.durationMs,
        );
        observeMs(to.turnTrailingSilenceSeconds, {}, measurement.trailingSilenceMs);
        return;
      case "response": {
        const { outcome, eager, latency } = measurement;
        observeMs(
          to.responseSeconds,
          { outcome: this.#outcome.admit(outcome), eager: String(eager) },
          latency.responseMs,
        );
        for (const part of responseParts)
          observeMs(to.responsePartSeconds, { part }, latency[partField[part]] ?? null);
        return;
      }
      case "pacing":
        observeMs(to.pacingLatenessSeconds, {}, measurement.p99Ms);
        return;
      case "realtime": {
        const labels = this.#labels(measurement);
        const { audioInputDurationMs, audioOutputDurationMs } = measurement;
        countMs(to.realtimeAudioSeconds, { ...labels, direction: "input" }, audioInputDurationMs);
        countMs(to.realtimeAudioSeconds, { ...labels, direction: "output" }, audioOutputDurationMs);
        return;
      }
      case "bad_answer":
        to.llmBadAnswers.inc({ ...this.#labels(measurement), reason: this.#error.admit(measurement.reason) });
        return;
      case "error":
        to.providerErrors.inc({
          component: this.#component.admit(measurement.component),
          provider: this.#provider.admit(measurement.provider),
          error: this.#error.admit(measurement.error),
        });
        return;
      default:
        measurement satisfies never;
    }
  }

  #labels(source: { readonly provider: string; readonly model: string }) {
    return { provider: this.#provider.admit(source.provider), model: this.#model.admit(source.model) };
  }
}

function count(counter: Counted, labels: Record<string, string>, value: number): void {
  counter.inc(labels, reading(value) ?? 0);
}

function countMs(counter: Counted, labels: Record<string, string>, durationMs: number): void {
  counter.inc(labels, (reading(durationMs) ?? 0) / 1_000);
}

function observeMs(histogram: Observed, labels: Record<string, string>, durationMs: number | null): void {
  const duration = reading(durationMs);
  if (duration !== null) histogram.observe(labels, duration / 1_000);
}
