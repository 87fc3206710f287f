import { now } from "../../../shared/protocol.ts";
import type { Peer } from "../media/media.ts";
import type { SessionFailure } from "../sfu/session-failure.ts";

/** The limits are those of Stream's own clients. */
const maxReconnects = 10;
const windowMs = 120_000;
const maxNeverConnected = 2;
const maxNegotiationFailures = 3;

/** Limits how often a connection is restored before it is given up as lost. */
export class ReconnectLimits {
  #reconnects: number[] = [];
  readonly #neverConnected: Record<Peer, number> = { publisher: 0, subscriber: 0 };
  #negotiationFailures = 0;
  #withoutMedia = 0;

  /** Returns the number of reconnects since the publisher's media was last connected. */
  get withoutMedia(): number {
    return this.#withoutMedia;
  }

  /**
   * Counts another reconnect that needs a new session. It returns false where there were too many within two
   * minutes.
   */
  begin(): boolean {
    const since = now() - windowMs;
    this.#reconnects = this.#reconnects.filter((at) => at > since);
    if (this.#reconnects.length >= maxReconnects) return false;
    this.#reconnects.push(now());
    this.#withoutMedia++;
    return true;
  }

  /**
   * Returns whether another reconnect may be tried. It is false where the same failure occurred too often in
   * a row.
   */
  allows(failure: SessionFailure): boolean {
    if (failure.kind === "media_failed" && !failure.everConnected) {
      this.#neverConnected[failure.peer]++;
      return this.#neverConnected[failure.peer] < maxNeverConnected;
    }
    if (failure.kind === "negotiation_failed") {
      this.#negotiationFailures++;
      return this.#negotiationFailures < maxNegotiationFailures;
    }
    return true;
  }

  /**
   * Resets the failures of this peer connection, since it is connected. The publisher's connection also
   * resets the failures of negotiation and the reconnects without media.
   */
  connected(peer: Peer): void {
    this.#neverConnected[peer] = 0;
    if (peer !== "publisher") return;
    this.#negotiationFailures = 0;
    this.#withoutMedia = 0;
  }
}
