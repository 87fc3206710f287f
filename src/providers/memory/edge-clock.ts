import { type Clock, systemClock } from "../../audio/clock.ts";

/** The system's clock, whose alarms keep the process alive only while they should. */
export class EdgeClock implements Clock {
  #holding = true;
  #timer: NodeJS.Timeout | null = null;

  now(): number {
    return systemClock.now();
  }

  /** Decides whether an alarm keeps the process alive. It holds for the present alarm too. */
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
