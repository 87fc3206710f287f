/** The time after which it is told again that Redis is still away, in milliseconds. */
const reminderMs = 60_000;

export interface AvailabilityEvents {
  away(cause: unknown): void;
  back(awayMs: number): void;
  commandFailed(): void;
}

/**
 * Knows whether Redis answers. The first failure of any command means that it does not; only a heartbeat means that it
 * does again.
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

  /** The time for which Redis has not answered, in milliseconds; 0 where it answers. */
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
