import type { SessionMetrics } from "../metrics/session-metrics.ts";
import { now } from "../protocol.ts";
import type { EventLog } from "./event-log.ts";

/** Metrics events are at least this far apart, in milliseconds. */
const intervalMs = 1_000;

/** Tells those who watch a session what was measured in it, not too often. */
export class MetricsEvents {
  readonly #events: EventLog;
  readonly #metrics: SessionMetrics;
  #timer: NodeJS.Timeout | undefined;

  constructor(events: EventLog, metrics: SessionMetrics) {
    this.#events = events;
    this.#metrics = metrics;
  }

  /** Something was measured. */
  changed(): void {
    this.#timer ??= setTimeout(() => this.#tell(now()), intervalMs).unref();
  }

  /** The last one. */
  end(at: number): void {
    this.#tell(at);
  }

  #tell(at: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#events.append({ type: "metrics", at, metrics: this.#metrics.snapshot() });
  }
}
