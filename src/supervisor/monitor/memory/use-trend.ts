/** The time over which growth is measured, in milliseconds. */
const windowMs = 100;
const leastMs = 20;

/** Measures how fast the memory of the process grows. */
export class UseTrend {
  readonly #samples: { readonly at: number; readonly usedBytes: number }[] = [];

  add(at: number, usedBytes: number): void {
    this.#samples.push({ at, usedBytes });
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) >= windowMs) this.#samples.shift();
  }

  /** Returns the growth in bytes per millisecond, over the last tenth of a second; 0 where the memory shrinks. */
  get growth(): number {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (!first || !last || last.at - first.at < leastMs) return 0;
    return Math.max(0, (last.usedBytes - first.usedBytes) / (last.at - first.at));
  }
}
