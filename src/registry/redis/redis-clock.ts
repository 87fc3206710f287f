/** Redis' clock, by which all processes agree, as far as it can be known here. Only differences of the own clock count. */
export class RedisClock {
  #redisMs: number | null = null;
  #at = 0;

  /** Redis said its time in answer to what was sent then, by `performance.now()`: half-way between then and now. */
  set(redisMs: number, sentAt: number): void {
    this.#redisMs = redisMs;
    this.#at = (sentAt + performance.now()) / 2;
  }

  /** In so many milliseconds, by Redis' clock. */
  in(ms: number): number {
    if (this.#redisMs === null) throw new Error("Redis has not told its time");
    return Math.round(this.#redisMs + performance.now() - this.#at + ms);
  }
}
