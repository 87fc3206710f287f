import { BackOff } from "../../shared/back-off.ts";
import { now } from "../../shared/protocol.ts";
import { type Checks, duration, fillWith } from "../options/option-checks.ts";
import type { Service } from "../service.ts";

/** The times after which another member is asked, and the first one again. All are in milliseconds. */
export interface FallbackOptions {
  /**
   * The longest wait for the first piece (of text or sound) or for an ear to open, before the next one is asked. The
   * last one has all the time that the turn has.
   * @default 5000: longer than a good answer takes, and short enough that the next one can still give it
   */
  readonly timeoutMs?: number;
  /**
   * The time for which one that failed is not asked. It doubles with each further failure.
   * @default 5000
   */
  readonly retryAfterMs?: number;
  /**
   * The most that this grows to.
   * @default 300000
   */
  readonly longestRetryAfterMs?: number;
}

export const defaultFallbackOptions = {
  timeoutMs: 5_000,
  retryAfterMs: 5_000,
  longestRetryAfterMs: 300_000,
} as const satisfies FallbackOptions;

const checks: Checks<FallbackOptions> = {
  timeoutMs: duration(),
  retryAfterMs: duration(),
  longestRetryAfterMs: duration(),
};

interface Record {
  failures: number;
  /** The time from which it is asked again, by the clock of protocol.ts. */
  retryAt: number;
}

/**
 * Chooses the member that is asked next: the first of those that work. The others are tried again after a growing pause.
 */
export class Rotation<Member extends Service> {
  readonly members: readonly [Member, ...Member[]];
  readonly timeoutMs: number;
  readonly #records: Map<Member, Record>;
  readonly #backOff: BackOff;
  readonly #clock: () => number;

  /** Throws a `TypeError` where there are fewer than two members, one of them twice, or an option that cannot be. */
  constructor(members: readonly Member[], options: FallbackOptions = {}, clock: () => number = now) {
    const [first, ...others] = members;
    if (first === undefined || others.length === 0)
      throw new TypeError("fallback: give two or more, in order");
    if (new Set(members).size < members.length) throw new TypeError("fallback: one of them is given twice");
    this.members = [first, ...others];
    this.#records = new Map(members.map((member) => [member, { failures: 0, retryAt: 0 }]));
    const filled = fillWith("fallback", options, checks, defaultFallbackOptions);
    this.timeoutMs = filled.timeoutMs;
    this.#backOff = new BackOff({ firstMs: filled.retryAfterMs, mostMs: filled.longestRetryAfterMs });
    this.#clock = clock;
  }

  get first(): Member {
    return this.members[0];
  }

  /** Returns all members, in the order in which to ask them: those that pause come last, as it is better to ask them than nobody. */
  order(): Member[] {
    const time = this.#clock();
    const pauses = (member: Member) => Math.max(0, this.#record(member).retryAt - time);
    return this.members.toSorted((a, b) => pauses(a) - pauses(b));
  }

  /** Returns a member that stands before this one and may be tried again. */
  better(than: Member): Member | undefined {
    const time = this.#clock();
    return this.members
      .slice(0, this.members.indexOf(than))
      .find((member) => this.#record(member).retryAt <= time);
  }

  succeeded(member: Member): void {
    Object.assign(this.#record(member), { failures: 0, retryAt: 0 });
  }

  failed(member: Member): void {
    const record = this.#record(member);
    record.failures++;
    record.retryAt = this.#clock() + this.#backOff.pauseMs(record.failures);
  }

  #record(member: Member): Record {
    return this.#records.get(member)!;
  }
}
