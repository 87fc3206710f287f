import { isDeepStrictEqual } from "node:util";
import type { SessionMetricsSnapshot } from "../metrics/session-metric-fields.ts";
import type { SessionMetrics } from "../metrics/session-metrics.ts";
import { type Measurement, now } from "../protocol.ts";
import type { EventLog } from "./event-log.ts";

/** Metrics events are at least this far apart, in milliseconds. */
const intervalMs = 1_000;

/** Tells those who watch a session what was measured in it, not too often. */
export class MetricsEvents {
  readonly #events: EventLog;
  readonly #metrics: SessionMetrics;
  #timer: NodeJS.Timeout | undefined;
  #told: SessionMetricsSnapshot | null = null;

  constructor(events: EventLog, metrics: SessionMetrics) {
    this.#events = events;
    this.#metrics = metrics;
  }

  /** This was measured. Sound that is given to a recogniser comes every second: alone it is no news. */
  after(measurement: Measurement): void {
    if (measurement.kind === "stt" && measurement.latencyMs === null) return;
    this.#timer ??= setTimeout(() => this.#tell(now()), intervalMs).unref();
  }

  /** The last one. */
  end(at: number): void {
    this.#tell(at);
    this.#told = null;
  }

  #tell(at: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const metrics = this.#metrics.snapshot();
    if (isDeepStrictEqual(metrics, this.#told)) return;
    this.#told = metrics;
    this.#events.append({ type: "metrics", at, metrics });
  }
}
