export interface AvailabilityEvents {
  away(cause: unknown): void;
  back(awayMs: number): void;
  commandFailed(): void;
}

/** Whether Redis answers. The first failure of any command means that it does not; only a heartbeat means that it does again. */
export class Availability {
  readonly #events: AvailabilityEvents;
  #awaySince: number | null = null;
  #reached = false;

  constructor(events: AvailabilityEvents) {
    this.#events = events;
  }

  get up(): boolean {
    return this.#reached && this.#awaySince === null;
  }

  /** For so long it has not answered, in milliseconds. */
  get awayMs(): number {
    return this.#awaySince === null ? 0 : performance.now() - this.#awaySince;
  }

  failed(cause: unknown): void {
    this.#events.commandFailed();
    if (this.#awaySince !== null) return;
    this.#awaySince = performance.now();
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
