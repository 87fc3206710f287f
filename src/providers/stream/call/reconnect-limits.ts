import { now } from "../../../shared/protocol.ts";
import type { Peer } from "../media/media.ts";
import type { SessionFailure } from "../sfu/session-failure.ts";

/** The limits of Stream's own clients. */
const mostReturns = 10;
const windowMs = 120_000;
const mostNeverConnected = 2;
const mostNegotiationFailures = 3;

/** Limits how often an agent comes back before it gives up. */
export class ReconnectLimits {
  #returns: number[] = [];
  readonly #neverConnected: Record<Peer, number> = { publisher: 0, subscriber: 0 };
  #negotiationFailures = 0;
  #unsettled = 0;

  /** The number of returns since sound last got out. */
  get unsettled(): number {
    return this.#unsettled;
  }

  /** Counts one more return that needs a new place; false: there were too many. */
  begin(): boolean {
    const since = now() - windowMs;
    this.#returns = this.#returns.filter((at) => at > since);
    if (this.#returns.length >= mostReturns) return false;
    this.#returns.push(now());
    this.#unsettled++;
    return true;
  }

  /** Returns whether another return may be tried; false where the same thing went wrong too often in a row. */
  allows(failure: SessionFailure): boolean {
    if (failure.kind === "media_failed" && !failure.everConnected) {
      this.#neverConnected[failure.peer]++;
      return this.#neverConnected[failure.peer] < mostNeverConnected;
    }
    if (failure.kind === "negotiation_failed") {
      this.#negotiationFailures++;
      return this.#negotiationFailures < mostNegotiationFailures;
    }
    return true;
  }

  /**
   * Sets the count of failures of this peer connection back, as it is connected; for the publisher also those of
   * negotiation and of returns that did not last.
   */
  connected(peer: Peer): void {
    this.#neverConnected[peer] = 0;
    if (peer !== "publisher") return;
    this.#negotiationFailures = 0;
    this.#unsettled = 0;
  }
}
