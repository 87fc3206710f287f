import { now } from "../../../shared/protocol.ts";

/**
 * The seconds by which tokens are backdated. Stream refuses a token that was issued in the future (error 42)
 * with nearly no leeway, and clocks kept by NTP differ by milliseconds, seldom by seconds.
 */
export const backdatedSeconds = 30;

/**
 * The seconds by which tokens are backdated after Stream refused one as too early in an answer that does not
 * tell the time.
 */
const blindlyBackdatedSeconds = 86_400;

/**
 * The difference between this machine's two clocks, since Stream's time was learned, beyond which that time
 * is unknown again, in milliseconds.
 */
const maxDriftMs = 2_000;

/** The times at which a token was issued and expires, in seconds since the Unix epoch. */
export interface TokenTimes {
  readonly iat: number;
  readonly exp: number;
}

/** Stream's time, as far as its answers tell it. This machine's clock may be minutes ahead or behind. */
export class StreamClock {
  /** The time by which Stream's clock is ahead of `now()`, in milliseconds; it is never overestimated. */
  #aheadMs = 0;
  /**
   * The time by which the wall clock was ahead of `now()` when Stream's time was learned, in milliseconds;
   * null where it was never learned.
   */
  #wallAheadMs: number | null = null;
  #backdatedSeconds = backdatedSeconds;

  /**
   * Returns whether Stream's time is known. It is unknown before the first answer, and after this machine slept or
   * its clock was set: `now()` counts neither.
   */
  get known(): boolean {
    return this.#wallAheadMs !== null && Math.abs(wallAheadMs() - this.#wallAheadMs) < maxDriftMs;
  }

  /**
   * Returns Stream's time in whole seconds since the Unix epoch, or this machine's time where Stream's is unknown.
   */
  get seconds(): number {
    return Math.floor((now() + (this.known ? this.#aheadMs : wallAheadMs())) / 1_000);
  }

  /**
   * Learns Stream's time from the `Date` of an answer that just arrived; null has no effect. The header has
   * whole seconds and was written before the answer was sent, so the learned time is late by up to a second
   * and the time of transfer. A token is thereby never dated too late.
   */
  learn(date: string | null): void {
    const theirs = date === null ? Number.NaN : Date.parse(date);
    if (Number.isNaN(theirs)) return;
    this.#aheadMs = theirs - now();
    this.#wallAheadMs = wallAheadMs();
  }

  /**
   * Reports that Stream refused a token as issued in the future. Where the answer's `Date` does not explain
   * that, tokens are backdated much further.
   */
  tooEarly(date: string | null): void {
    const before = this.seconds;
    this.learn(date);
    if (this.seconds >= before) this.#backdatedSeconds = blindlyBackdatedSeconds;
  }

  /** Returns the times of a token that is valid from this moment on for so many seconds. */
  tokenTimes(lifetimeSeconds: number): TokenTimes {
    const { seconds } = this;
    return { iat: seconds - this.#backdatedSeconds, exp: seconds + lifetimeSeconds };
  }
}

/** Returns the time by which the wall clock is ahead of `now()`, in milliseconds. */
const wallAheadMs = (): number => Date.now() - now();
