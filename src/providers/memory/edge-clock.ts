import { type Clock, systemClock } from "../../audio/clock.ts";

/** The system's clock, whose timers keep the process alive only while `holding` is true. */
export class EdgeClock implements Clock {
  #holding = true;
  #timer: NodeJS.Timeout | null = null;

  now(): number {
    return systemClock.now();
  }

  /** Sets whether a timer keeps the process alive, the present one included. */
  set holding(holding: boolean) {
    this.#holding = holding;
    if (holding) this.#timer?.ref();
    else this.#timer?.unref();
  }

  alarm(ms: number, wake: () => void): () => void {
    if (ms <= 0) return systemClock.alarm(ms, wake);
    const timer = setTimeout(() => {
      this.#timer = null;
      wake();
    }, ms);
    this.#timer = timer;
    if (!this.#holding) timer.unref();
    return () => clearTimeout(timer);
  }
}
