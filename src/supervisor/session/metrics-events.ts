import { isDeepStrictEqual } from "node:util";
import type { SessionMetrics } from "../../metrics/session-metrics.ts";
import { now } from "../../shared/protocol.ts";
import type { Measurement } from "../../shared/session/measurement.ts";
import type { SessionMetricsSnapshot } from "../../shared/session/session-metric-fields.ts";
import type { EventLog } from "./event-log.ts";

/** The shortest time between two metrics events, in milliseconds. */
const intervalMs = 1_000;

/** Tells the watchers of a session its metrics when they change, once a second at the most. */
export class MetricsEvents {
  readonly #events: EventLog;
  readonly #metrics: SessionMetrics;
  #timer: NodeJS.Timeout | undefined;
  #told: SessionMetricsSnapshot | null = null;

  constructor(events: EventLog, metrics: SessionMetrics) {
    this.#events = events;
    this.#metrics = metrics;
  }

  /** Takes a measurement. Sound that is given to a recogniser comes every second: alone it is no news. */
  after(measurement: Measurement): void {
    if (measurement.kind === "stt" && measurement.latencyMs === null) return;
    this.#timer ??= setTimeout(() => this.#tell(now()), intervalMs).unref();
  }

  /** Tells the last metrics of the session. */
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
