import { now } from "../../shared/protocol.ts";

/**
 * Tells since when the agent is alone in its call. Participants who are seen in the call count for as long as they are
 * there; those who only type count while a turn waits or runs, and the clock starts again when an exchange with one is
 * over.
 */
export class AloneTimer {
  readonly #report: (aloneSince: number | null) => void;
  #joinedAt: number | null = null;
  #leftAt: number | null = null;
  #lastSeenAt = 0;
  #aloneSince: number | null = null;

  constructor(report: (aloneSince: number | null) => void) {
    this.#report = report;
  }

  joined(): void {
    this.#joinedAt = now();
    this.#lastSeenAt = this.#joinedAt;
  }

  left(): void {
    this.#leftAt ??= now();
  }

  /** Takes in that somebody was there until this moment. */
  seen(): void {
    this.#lastSeenAt = now();
  }

  /** Tells what has changed, while the agent is in the call. */
  update(accompanied: boolean): void {
    if (this.#joinedAt === null || this.#leftAt !== null) return;
    const aloneSince = accompanied ? null : this.#lastSeenAt;
    if (aloneSince === this.#aloneSince) return;
    this.#aloneSince = aloneSince;
    this.#report(aloneSince);
  }

  idleForMs(): number {
    return this.#aloneSince === null ? 0 : (this.#leftAt ?? now()) - this.#aloneSince;
  }

  onCallForMs(): number {
    return this.#joinedAt === null ? 0 : (this.#leftAt ?? now()) - this.#joinedAt;
  }
}
