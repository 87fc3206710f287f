/**
 * Redis' clock, by which all processes agree, as far as it can be known here. Only differences of this process' own
 * clock count.
 */
export class RedisClock {
  #redisMs: number | null = null;
  #at = 0;

  /**
   * Sets the clock by the time that Redis told in answer to a command that was sent at `sentAt`, by
   * `performance.now()`. It is taken for the time half-way between then and now.
   */
  set(redisMs: number, sentAt: number): void {
    this.#redisMs = redisMs;
    this.#at = (sentAt + performance.now()) / 2;
  }

  /**
   * Returns the time that it will be in so many milliseconds, by Redis' clock. Throws where Redis has not told its
   * time.
   */
  in(ms: number): number {
    if (this.#redisMs === null) throw new Error("Redis has not told its time");
    return Math.round(this.#redisMs + performance.now() - this.#at + ms);
  }
}
