import { now } from "../../../shared/protocol.ts";

/**
 * The time before the present moment at which tokens say that they were issued, in seconds. Stream refuses a token from the
 * future with next to no leeway (code 42), and machines that keep time by NTP are apart by some milliseconds, seldom by
 * seconds.
 */
export const backdatedSeconds = 30;

/**
 * The seconds by which a token is dated back where Stream refused one as too early and its answer does not tell what
 * time it is.
 */
const blindlyBackdatedSeconds = 86_400;

/** Two clocks of this machine that have moved apart by more than this since Stream's time was learned, in milliseconds. */
const movedMs = 2_000;

/** The times when a token was issued and when it expires, in seconds since the Unix epoch. */
export interface TokenTimes {
  readonly iat: number;
  readonly exp: number;
}

/** Stream's time, as far as its answers tell: this machine's clock may be minutes ahead or behind. */
export class StreamClock {
  /** The time by which Stream's clock is ahead of `now()`, in milliseconds; never more than it really is. */
  #aheadMs = 0;
  /**
   * The milliseconds by which the wall clock was ahead of `now()` when Stream's time was learned; null: it was never
   * learned.
   */
  #wallAheadMs: number | null = null;
  #backdatedSeconds = backdatedSeconds;

  /**
   * Returns whether Stream's time is known. It is not before the first answer, nor after this machine slept or its
   * clock was set: `now()` does not count the sleep, and does not follow the wall clock.
   */
  get known(): boolean {
    return this.#wallAheadMs !== null && Math.abs(wallAheadMs() - this.#wallAheadMs) < movedMs;
  }

  /** Stream's time in whole seconds since the Unix epoch; this machine's where Stream's is not known. */
  get seconds(): number {
    return Math.floor((now() + (this.known ? this.#aheadMs : wallAheadMs())) / 1_000);
  }

  /**
   * Learns from the `Date` of an answer that came just now. It was written when the answer set out, in whole seconds, so the
   * time that is learned is late by up to a second and the answer's way: tokens are never dated too late by it.
   */
  learn(date: string | null): void {
    const theirs = date === null ? Number.NaN : Date.parse(date);
    if (Number.isNaN(theirs)) return;
    this.#aheadMs = theirs - now();
    this.#wallAheadMs = wallAheadMs();
  }

  /**
   * Stream refused a token as issued in its future. Where the answer's time does not tell why, since it has none or it was
   * known before, tokens are backdated much further.
   */
  tooEarly(date: string | null): void {
    const before = this.seconds;
    this.learn(date);
    if (this.seconds >= before) this.#backdatedSeconds = blindlyBackdatedSeconds;
  }

  /** The times of a token that is good from this moment on for so many seconds. */
  tokenTimes(lifetimeSeconds: number): TokenTimes {
    const { seconds } = this;
    return { iat: seconds - this.#backdatedSeconds, exp: seconds + lifetimeSeconds };
  }
}

/** Returns how far the wall clock is ahead of `now()`, in milliseconds. */
const wallAheadMs = (): number => Date.now() - now();
