/** How well frames kept their time over one second, or less where the sound ended. Times in milliseconds. */
export interface Pacing {
  /** When that second was over, as epoch milliseconds. */
  readonly at: number;
  /** Frames sent. */
  readonly frames: number;
  /** How late frames were sent: the worst, and 99 of 100 at most. */
  readonly maxLateMs: number;
  readonly p99LateMs: number;
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
    if (at - this.#since >= windowMs) this.flush(at);
  }

  /** Reports what there is: the sound has come to an end. */
  flush(at: number): void {
    if (this.#late.length === 0) return;
    const sorted = this.#late.sort((a, b) => a - b);
    this.#late = [];
    const frames = sorted.length;
    const p99LateMs = sorted[Math.ceil(frames * 0.99) - 1]!;
    this.#report({ at, frames, maxLateMs: sorted[frames - 1]!, p99LateMs });
  }
}
