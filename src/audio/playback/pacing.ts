/** The lateness of the frames of one second, or less where the sound ended. Times in milliseconds. */
export interface Pacing {
  readonly frames: number;
  /** The latest. */
  readonly worstMs: number;
  /** 99 of 100 were not later than this. */
  readonly p99Ms: number;
}

const windowMs = 1_000;

/** Gathers how late frames were, and reports each second of sound. */
export class PacingReport {
  readonly #report: (pacing: Pacing) => void;
  #late: number[] = [];
  #since = 0;

  constructor(report: (pacing: Pacing) => void) {
    this.#report = report;
  }

  add(lateMs: number, at: number): void {
    if (this.#late.length === 0) this.#since = at;
    this.#late.push(lateMs);
    if (at - this.#since >= windowMs) this.flush();
  }

  /** Reports what there is: the sound has come to an end. */
  flush(): void {
    if (this.#late.length === 0) return;
    const sorted = this.#late.sort((a, b) => a - b);
    this.#late = [];
    const frames = sorted.length;
    this.#report({ frames, worstMs: sorted[frames - 1]!, p99Ms: sorted[Math.ceil(frames * 0.99) - 1]! });
  }
}
