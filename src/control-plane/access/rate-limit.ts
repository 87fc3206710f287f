import { GreenroomError } from "../../shared/errors.ts";

/**
 * The most callers that are remembered. The one whose last request is oldest is forgotten first, and has its whole
 * burst again.
 */
const mostCallers = 10_000;

interface Bucket {
  tokens: number;
  at: number;
}

/** A token bucket for each caller: `burst` at once, `perSecond` in the long run. */
export class RateLimit {
  readonly #what: string;
  readonly #perSecond: number | null;
  readonly #burst: number;
  /** The buckets by caller, in the order of their last use. */
  readonly #buckets = new Map<string, Bucket>();

  /**
   * @param what The name of the requests in the message, such as "starts".
   * @param perSecond The rate in the long run; null: no limit.
   */
  constructor(what: string, perSecond: number | null, burst: number) {
    this.#what = what;
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** Takes a token of this caller. Throws RATE_LIMITED with the seconds after which there is a token again. */
  take(caller: string): void {
    if (this.#perSecond === null) return;
    const at = performance.now();
    const bucket = this.#buckets.get(caller) ?? { tokens: this.#burst, at };
    bucket.tokens = Math.min(this.#burst, bucket.tokens + ((at - bucket.at) / 1_000) * this.#perSecond);
    bucket.at = at;
    this.#buckets.delete(caller);
    this.#buckets.set(caller, bucket);
    if (this.#buckets.size > mostCallers) this.#forgetOldest();
    if (bucket.tokens < 1) {
      const retryAfterSeconds = Math.ceil((1 - bucket.tokens) / this.#perSecond);
      throw new GreenroomError("RATE_LIMITED", this.#what, { retryAfterSeconds });
    }
    bucket.tokens -= 1;
  }

  #forgetOldest(): void {
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}

/** A limit of how many of something each caller holds open. */
export class OpenLimit {
  readonly #what: string;
  readonly #most: number | null;
  readonly #open = new Map<string, number>();

  /** @param most The most places of one caller; null: no limit. */
  constructor(what: string, most: number | null) {
    this.#what = what;
    this.#most = most;
  }

  /** Takes a place. Returns a function that gives it back. Throws RATE_LIMITED where there is none. */
  open(caller: string): () => void {
    const open = this.#open.get(caller) ?? 0;
    if (this.#most !== null && open >= this.#most) {
      throw new GreenroomError("RATE_LIMITED", this.#what, { retryAfterSeconds: 5 });
    }
    this.#open.set(caller, open + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (this.#open.get(caller) ?? 1) - 1;
      if (left === 0) this.#open.delete(caller);
      else this.#open.set(caller, left);
    };
  }
}
