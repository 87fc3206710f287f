import type { ModelUsage } from "../api/session-summary.ts";
import type { Measurement } from "../shared/measurement.ts";
import {
  type SessionMetricName,
  type SessionMetricsSnapshot,
  sessionMetricFields,
} from "../shared/session-metric-fields.ts";
import { numbersOf, reading } from "./measured-numbers.ts";
import { rounded } from "./rounded.ts";
import { Usage } from "./usage.ts";

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
  /** The latencies of the last turn that had any, in milliseconds; see `ResponseLatency` and `Measurement`. */
  lastResponseMs: number | null = null;
  lastFirstTokenMs: number | null = null;

  record(measurement: Measurement): void {
    this.#usage.record(measurement);
    if (measurement.kind === "response") this.lastResponseMs = reading(measurement.responseMs);
    else if (measurement.kind === "llm" && measurement.outcome === "done")
      this.lastFirstTokenMs = reading(measurement.firstTokenMs) ?? this.lastFirstTokenMs;
    const { outcome } = measurement as { readonly outcome?: string };
    for (const { session, of } of numbersOf(measurement)) {
      if (session === null) continue;
      if (session.outcomes && !session.outcomes.includes(String(outcome))) continue;
      const value = of(measurement);
      if (value !== null) this.#count(session.field, value);
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

  #count(name: SessionMetricName, value: number): void {
    const place = places[name];
    this.#sums[place] = (this.#sums[place] ?? 0) + value;
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
  }
}

const isAverage = (name: SessionMetricName): boolean => name.endsWith("__avg");
