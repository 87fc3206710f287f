import { reading } from "../measured-numbers.ts";

/** The ratio of two neighbouring classes: a percentile is off by 2.5 % at the most. */
const growth = 1.05;
const step = Math.log(growth);
/** The longest latency that has a class of its own, in milliseconds; longer ones are counted in it. */
const longestMs = 600_000;
const lastClass = Math.ceil(Math.log(longestMs) / step);

/** The number of latencies in each class, by the number of the class. Counts of several intervals or processes can be added. */
export type LatencyCounts = Readonly<Record<number, number>>;

/** Counts latencies in classes of logarithmic width: 273 at the most, from 1 ms to 10 minutes. */
export class LatencyCounter {
  readonly #counts = new Map<number, number>();

  /** Counts a latency, in milliseconds. A value that is no latency is left out. */
  add(ms: number | null): void {
    const latency = reading(ms);
    if (latency === null) return;
    const place = latency <= 1 ? 0 : Math.min(lastClass, Math.ceil(Math.log(latency) / step));
    this.#count(place, 1);
  }

  /** Adds counts that were taken elsewhere. */
  addAll(counts: LatencyCounts): void {
    for (const [place, count] of Object.entries(counts)) this.#count(Number(place), count);
  }

  get total(): number {
    let total = 0;
    for (const count of this.#counts.values()) total += count;
    return total;
  }

  /** Returns the latency that this share of all does not exceed, in milliseconds; null where there is none. */
  quantile(share: number): number | null {
    const { total } = this;
    if (total === 0) return null;
    let left = Math.max(1, Math.ceil(share * total));
    for (const [place, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return place === 0 ? 1 : growth ** (place - 0.5);
    }
    return null;
  }

  /** Returns the counts, and begins anew. */
  take(): LatencyCounts {
    const counts = Object.fromEntries(this.#counts);
    this.#counts.clear();
    return counts;
  }

  #count(place: number, count: number): void {
    this.#counts.set(place, (this.#counts.get(place) ?? 0) + count);
  }
}
