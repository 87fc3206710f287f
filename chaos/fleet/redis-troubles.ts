import { machineNow } from "../clock.ts";

/** The time within which what happens in a replica is written to Redis, where it can be reached, in milliseconds. */
const writtenWithinMs = 3_000;

/** Knows when Redis could not be asked, by one replica at the least, and when it lost what it knew. */
export class RedisTroubles {
  readonly #troubles: { readonly from: number; to: number; readonly lostData: boolean }[] = [];

  /** Begins a trouble. Call what is returned when it is over. */
  begin(lostData: boolean): () => void {
    const trouble = { from: machineNow(), to: Number.POSITIVE_INFINITY, lostData };
    this.#troubles.push(trouble);
    return () => {
      trouble.to = machineNow();
    };
  }

  /** Notes one between these times, in which no data was lost. */
  happened(from: number, to: number): void {
    this.#troubles.push({ from, to, lostData: false });
  }

  /** Returns whether there was one between these times, or up to `graceMs` before. */
  during(from: number, to: number, graceMs: number): boolean {
    return this.#troubles.some((trouble) => trouble.from <= to && trouble.to + graceMs >= from);
  }

  /**
   * Returns whether what happened in a replica at this time may have been lost with it: it could be known to that
   * replica alone until Redis was back, and its process ended before that.
   */
  knownToNobody(at: number, exitedAt: number): boolean {
    return this.#troubles.some(
      ({ from, to }) => at >= from - writtenWithinMs && at <= exitedAt && exitedAt <= to + writtenWithinMs,
    );
  }

  /** Returns whether it lost data between these times. */
  lostData(from: number, to: number): boolean {
    return this.#troubles.some((trouble) => trouble.lostData && trouble.from <= to && trouble.to >= from);
  }
}
