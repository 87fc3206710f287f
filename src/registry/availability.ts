/** The time between two notices that the store is still away, in milliseconds. */
const reminderMs = 60_000;

export interface AvailabilityEvents {
  away(cause: unknown): void;
  back(awayMs: number): void;
  commandFailed(): void;
}

/**
 * Knows whether the store of a registry (Redis, or a folder) can be used. The first failure of any command means that
 * it cannot; only {@link answered} means that it can again.
 */
export class Availability {
  readonly #events: AvailabilityEvents;
  readonly #reminderMs: number;
  #awaySince: number | null = null;
  #toldAt = 0;
  #reached = false;

  constructor(events: AvailabilityEvents, options: { readonly reminderMs?: number } = {}) {
    this.#events = events;
    this.#reminderMs = options.reminderMs ?? reminderMs;
  }

  get up(): boolean {
    return this.#reached && this.#awaySince === null;
  }

  /** Returns the time since which the store has been away, in milliseconds; 0 where it is not. */
  get awayMs(): number {
    return this.#awaySince === null ? 0 : performance.now() - this.#awaySince;
  }

  failed(cause: unknown): void {
    this.#events.commandFailed();
    const at = performance.now();
    if (this.#awaySince !== null && at - this.#toldAt < this.#reminderMs) return;
    this.#awaySince ??= at;
    this.#toldAt = at;
    this.#events.away(cause);
  }

  answered(): void {
    const { awayMs } = this;
    this.#reached = true;
    if (this.#awaySince === null) return;
    this.#awaySince = null;
    this.#events.back(awayMs);
  }
}
