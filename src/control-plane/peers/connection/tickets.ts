import { createHmac, randomBytes } from "node:crypto";
import { isSame } from "../../access/constant-time.ts";
import type { Turn } from "./mark.ts";

/** The time for which a ticket is valid, in milliseconds. */
export const ticketLifeMs = 600_000;
/** The most tickets whose last count is remembered; where there are more, the oldest become invalid. */
const mostKnown = 10_000;

/**
 * The tickets that this process gives to the connections of its peers, so that each mark is valid once. A ticket holds
 * the time at which it was given, by the clock of this process, and is signed by a key of this process: it costs
 * nothing until it is used.
 */
export class Tickets {
  readonly #key = randomBytes(32);
  readonly #now: () => number;
  readonly #most: number;
  /** The last count of each ticket that was used, in the order of their first use. */
  readonly #used = new Map<string, { count: number; readonly givenAt: number }>();
  /** The time before which no ticket is valid any more, since the counts of those are not remembered. */
  #goodSince = Number.NEGATIVE_INFINITY;

  constructor(now: () => number = () => performance.now(), most = mostKnown) {
    this.#now = now;
    this.#most = most;
  }

  give(): string {
    const said = `${Math.floor(this.#now()).toString(36)}-${randomBytes(12).toString("base64url")}`;
    return `${said}~${this.#sign(said)}`;
  }

  /** Returns whether a mark with this turn is valid, which it is once. */
  take({ ticket, count }: Turn): boolean {
    const [said = "", mac = "", ...more] = ticket.split("~");
    if (more.length > 0 || !isSame(mac, this.#sign(said)) || !Number.isSafeInteger(count)) return false;
    const givenAt = Number.parseInt(said, 36);
    if (givenAt <= this.#goodSince || this.#now() - givenAt > ticketLifeMs) return false;
    const used = this.#used.get(said);
    if (used && count <= used.count) return false;
    if (used) used.count = count;
    else this.#remember(said, count, givenAt);
    return true;
  }

  #remember(said: string, count: number, givenAt: number): void {
    this.#used.set(said, { count, givenAt });
    for (const [known, { givenAt }] of this.#used) {
      const old = this.#now() - givenAt > ticketLifeMs;
      if (!old && this.#used.size <= this.#most) return;
      if (!old) this.#goodSince = Math.max(this.#goodSince, givenAt);
      this.#used.delete(known);
    }
  }

  #sign(said: string): string {
    return createHmac("sha256", this.#key).update(said).digest("base64url");
  }
}
