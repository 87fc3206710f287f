import type { ModelUsage } from "../api/session-summary.ts";
import type { Measurement } from "../shared/session/measurement.ts";
import {
  type SessionMetricName,
  type SessionMetricsSnapshot,
  sessionMetricFields,
} from "../shared/session/session-metric-fields.ts";
import { numbersOf, reading } from "./measured-numbers.ts";
import { rounded } from "./rounded.ts";
import { Usage } from "./usage.ts";

const names = Object.keys(sessionMetricFields) as SessionMetricName[];
const places = Object.fromEntries(names.map((name, place) => [name, place])) as Record<
  SessionMetricName,
  number
>;

/** The metrics of a session as another process goes on with them: what is 0 is left out. */
export interface CarriedMetrics {
  readonly sums: Readonly<Partial<Record<SessionMetricName, number>>>;
  readonly counts: Readonly<Partial<Record<SessionMetricName, number>>>;
  readonly usage: readonly ModelUsage[];
  readonly lastResponseMs: number | null;
  readonly lastFirstTokenMs: number | null;
}

/**
 * The metrics of one session, with the names and meanings of Vision Agents: averages are over completed operations (a
 * failed tool call counts as completed), totals are of everything that was consumed.
 */
export class SessionMetrics {
  // The sums are in the order of `names`. Arrays are used, since thousands of ended sessions keep theirs, and
  // a map takes three times the memory.
  readonly #sums: number[];
  readonly #counts: number[];
  #usage: Usage;
  /** The latencies of the last turn that had any, in milliseconds; see `ResponseLatency` and `Measurement`. */
  lastResponseMs: number | null;
  lastFirstTokenMs: number | null;

  /** @param before The metrics so far, where the session began in another process. */
  constructor(before: CarriedMetrics | null = null) {
    this.#sums = names.map((name) => before?.sums[name] ?? 0);
    this.#counts = names.map((name) => before?.counts[name] ?? 0);
    this.#usage = new Usage(before?.usage);
    this.lastResponseMs = before?.lastResponseMs ?? null;
    this.lastFirstTokenMs = before?.lastFirstTokenMs ?? null;
  }

  /** Knows from here on what another process has measured, beyond `before`, as well as what was measured here since. */
  follow(other: CarriedMetrics, before: CarriedMetrics): void {
    for (const [place, name] of names.entries()) {
      this.#sums[place]! += (other.sums[name] ?? 0) - (before.sums[name] ?? 0);
      this.#counts[place]! += (other.counts[name] ?? 0) - (before.counts[name] ?? 0);
    }
    this.#usage = new Usage(other.usage);
    this.lastResponseMs = other.lastResponseMs;
    this.lastFirstTokenMs = other.lastFirstTokenMs;
  }

  /** Returns the metrics as another process goes on with them. */
  get carried(): CarriedMetrics {
    const byName = (values: readonly number[]) =>
      Object.fromEntries(
        names.map((name, place) => [name, values[place]]).filter(([, value]) => value !== 0),
      );
    const { lastResponseMs, lastFirstTokenMs } = this;
    return {
      sums: byName(this.#sums),
      counts: byName(this.#counts),
      usage: this.#usage.rows,
      lastResponseMs,
      lastFirstTokenMs,
    };
  }

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
