import { machineNow } from "../clock.ts";

/** What happens in a replica is written to Redis within so many milliseconds, where it can be reached. */
const writtenWithinMs = 3_000;

/** When Redis could not be asked, by one replica at the least, and when it lost what it knew. */
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

  /** There was one between these times, in which no data was lost. */
  happened(from: number, to: number): void {
    this.#troubles.push({ from, to, lostData: false });
  }

  /** Was there one between these times, or up to `graceMs` before? */
  during(from: number, to: number, graceMs: number): boolean {
    return this.#troubles.some((trouble) => trouble.from <= to && trouble.to + graceMs >= from);
  }

  /**
   * What happened in a replica at this time, and could be known to it alone until Redis was back: had its process ended
   * before that?
   */
  knownToNobody(at: number, exitedAt: number): boolean {
    return this.#troubles.some(
      ({ from, to }) => at >= from - writtenWithinMs && at <= exitedAt && exitedAt <= to + writtenWithinMs,
    );
  }

  /** Did it lose data between these times? */
  lostData(from: number, to: number): boolean {
    return this.#troubles.some((trouble) => trouble.lostData && trouble.from <= to && trouble.to >= from);
  }
}
