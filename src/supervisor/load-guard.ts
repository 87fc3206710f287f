import type { LoadCause } from "../metrics/catalogue.ts";

/** One thing to watch. To watch another, add its cause to the catalogue and write one of these. */
export interface LoadGauge {
  readonly cause: LoadCause;
  /** The load, in whatever unit the two marks are; null: nothing is known, which changes nothing. */
  read(): number | null;
  /** Too much from here on … */
  readonly raiseAt: number;
  /** … after this many readings in a row. */
  readonly raiseAfter: number;
  /** Well again below this mark, lower than `raiseAt` … */
  readonly clearBelow: number;
  /** … after this many readings in a row. */
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
  /** Readings in a row that speak for a change of `active`. */
  streak: number;
}

/**
 * Says when the process has too much to do to take another session. It only refuses starts; running calls go on. Each
 * cause rises and falls by itself, at two marks, so that it does not flutter.
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

  /** Why starts should be refused; empty while all is well. The same array until it changes. */
  causes(): readonly LoadCause[] {
    return this.#causes;
  }

  /** For the log. */
  readings(): readonly LoadReading[] {
    return this.#watches.map(({ cause, active, value }) => ({ cause, active, value }));
  }

  /** Called with the causes whenever they change. Returns what ends it. */
  onChange(listener: (causes: readonly LoadCause[]) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Reads every gauge once; the timer does it. */
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
