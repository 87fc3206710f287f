import { type Clock, systemClock } from "../clock.ts";

export interface PacerOptions {
  /** The time from beat to beat, in milliseconds; 0: as fast as it goes. */
  readonly intervalMs: number;
  /** Beats that are given before their time. */
  readonly ahead: number;
  /**
   * The most beats at once. After a stall that would need more, the clock is set back: sound comes later, none is left
   * out.
   */
  readonly burst: number;
  /** One beat; false: there is nothing to give, and the pacer stops. It may stop and start the pacer. */
  readonly beat: () => boolean;
  /** Called with how late a beat was given, in milliseconds: that is the cost of timers and a busy thread. */
  readonly onBeat?: (lateMs: number) => void;
  /** The clock. Default: the system's. */
  readonly clock?: Clock;
}

/**
 * Gives beats by an absolute clock: a chain of timers alone would lose 3 % of the time, 140 ms in 5 s. All times are epoch
 * milliseconds.
 */
export class Pacer {
  readonly #options: PacerOptions;
  readonly #clock: Clock;
  /** The time when the next beat is due. Beats that were given last until then. */
  #due = 0;
  #startedAt = 0;
  #callOff: (() => void) | null = null;
  #running = false;
  /** The number of starts so far: a beat may stop the pacer and start it again. */
  #starts = 0;

  constructor(options: PacerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Gives beats from now on; where beats that were given ahead are not over, from their end on. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#starts += 1;
    this.#startedAt = this.#clock.now();
    this.#due = Math.max(this.#due, this.#startedAt);
    this.#turn();
  }

  stop(): void {
    this.#running = false;
    this.#callOff?.();
    this.#callOff = null;
  }

  #turn(): void {
    this.#callOff = null;
    const { intervalMs, ahead, burst, beat, onBeat } = this.#options;
    const aheadMs = ahead * intervalMs;
    const at = this.#clock.now();
    // Timers ring up to a millisecond early; to wait again for it would be another wake-up.
    const early = Math.min(1, intervalMs / 2);
    const wanted = intervalMs === 0 ? burst : Math.floor((at + early - this.#due + aheadMs) / intervalMs) + 1;
    const beats = Math.min(wanted, burst);
    let lateMs = at - Math.max(this.#due - aheadMs, this.#startedAt);
    this.#due += (wanted - beats) * intervalMs;
    const start = this.#starts;
    for (let index = 0; index < beats; index += 1) {
      this.#due += intervalMs;
      const given = beat();
      if (given) onBeat?.(Math.max(0, lateMs));
      if (!this.#running || start !== this.#starts) return;
      if (!given) {
        this.#due -= intervalMs;
        this.stop();
        return;
      }
      lateMs -= intervalMs;
    }
    const waitMs = intervalMs === 0 ? 0 : this.#due - aheadMs - this.#clock.now();
    this.#callOff = this.#clock.alarm(waitMs, () => this.#turn());
  }
}
