/** The time between two samples, in milliseconds; it makes 50 small wake-ups a second. */
const sampleIntervalMs = 20;

/** Measures how late the event loop of this thread runs its timers. */
export class LoopLag {
  readonly #onSample: (lagMs: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #samples: number[] = [];

  /** Takes a function that gets every sample, in milliseconds. */
  constructor(onSample: (lagMs: number) => void = () => {}) {
    this.#onSample = onSample;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    let last = performance.now();
    this.#timer = setInterval(() => {
      const at = performance.now();
      const lagMs = Math.max(0, at - last - sampleIntervalMs);
      last = at;
      if (this.#samples.length < mostSamples) this.#samples.push(lagMs);
      this.#onSample(lagMs);
    }, sampleIntervalMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#samples = [];
  }

  /** Returns the 99th percentile since it was last asked for, in milliseconds; null without samples. */
  takeP99Ms(): number | null {
    const samples = this.#samples.sort((a, b) => a - b);
    this.#samples = [];
    return samples[Math.ceil(samples.length * 0.99) - 1] ?? null;
  }
}

/** The most samples that are kept, a minute of them: nobody may be asking for them. */
const mostSamples = 3_000;
