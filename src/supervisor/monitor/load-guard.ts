import type { LoadCause } from "../../metrics/labels.ts";

/** A gauge of one cause. To watch another one, add its cause to the catalogue and write one of these. */
export interface LoadGauge {
  readonly cause: LoadCause;
  /** Returns the load, in the unit of the two marks; null where nothing is known, which changes nothing. */
  read(): number | null;
  /** The mark from which on the load is too high. */
  readonly raiseAt: number;
  /** The number of readings in a row at or above `raiseAt` after which the cause is active. */
  readonly raiseAfter: number;
  /** The mark below which the load is low again; it is lower than `raiseAt`. */
  readonly clearBelow: number;
  /** The number of readings in a row below `clearBelow` after which the cause is active no more. */
  readonly clearAfter: number;
  start?(): void;
  stop?(): void;
}

export interface LoadReading {
  readonly cause: LoadCause;
  readonly active: boolean;
  /** The last value that was known. */
  readonly value: number | null;
}

interface Watch extends LoadReading {
  readonly gauge: LoadGauge;
  active: boolean;
  value: number | null;
  /** The number of readings in a row that speak for a change of `active`. */
  streak: number;
}

/**
 * Tells when the process has too much to do to take another session. It only refuses starts; running calls go on. Each
 * cause has one mark at which it becomes active and a lower one at which it ends, so that it does not flutter.
 */
export class LoadGuard {
  readonly #watches: readonly Watch[];
  readonly #listeners = new Set<(causes: readonly LoadCause[]) => void>();
  #timer: NodeJS.Timeout | undefined;
  #causes: readonly LoadCause[] = [];

  constructor(gauges: readonly LoadGauge[]) {
    this.#watches = gauges.map((gauge) => ({
      gauge,
      cause: gauge.cause,
      active: false,
      value: null,
      streak: 0,
    }));
  }

  start(intervalMs = 1_000): void {
    if (this.#timer !== undefined) return;
    for (const { gauge } of this.#watches) gauge.start?.();
    this.#timer = setInterval(() => this.check(), intervalMs).unref();
  }

  /** Stops watching; all causes are gone, and listeners are told. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const watch of this.#watches) {
      watch.gauge.stop?.();
      watch.active = false;
      watch.streak = 0;
    }
    this.#update();
  }

  /**
   * Returns the causes for which starts should be refused; none while all is well. It is the same array until it
   * changes.
   */
  causes(): readonly LoadCause[] {
    return this.#causes;
  }

  /** Returns the last reading of each cause, for the log. */
  readings(): readonly LoadReading[] {
    return this.#watches.map(({ cause, active, value }) => ({ cause, active, value }));
  }

  /** Calls `listener` with the causes whenever they change. Returns a function that removes it. */
  onChange(listener: (causes: readonly LoadCause[]) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Reads every gauge once, as the timer does. */
  check(): void {
    for (const watch of this.#watches) {
      const value = watch.gauge.read();
      if (value === null) continue;
      watch.value = value;
      judge(watch, value);
    }
    this.#update();
  }

  #update(): void {
    const causes = this.#watches.filter((watch) => watch.active).map((watch) => watch.cause);
    if (causes.join() === this.#causes.join()) return;
    this.#causes = causes;
    for (const listener of this.#listeners) listener(causes);
  }
}

function judge(watch: Watch, value: number): void {
  const { raiseAt, raiseAfter, clearBelow, clearAfter } = watch.gauge;
  const speaksForChange = watch.active ? value < clearBelow : value >= raiseAt;
  watch.streak = speaksForChange ? watch.streak + 1 : 0;
  if (watch.streak < (watch.active ? clearAfter : raiseAfter)) return;
  watch.active = !watch.active;
  watch.streak = 0;
}
