import { now } from "../../protocol.ts";
import type { Trouble } from "./trouble.ts";

/** As Stream's own clients keep them. */
const mostReturns = 10;
const windowMs = 120_000;
const mostNeverConnected = 2;
const mostNegotiationFailures = 3;

/** How often one comes back before one gives up. */
export class ReturnLimits {
  #returns: number[] = [];
  #neverConnected = 0;
  #negotiationFailures = 0;
  #unsettled = 0;

  /** How often one came back since sound last got through. */
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

  /** False: the same thing went wrong too often in a row. */
  allows(trouble: Trouble): boolean {
    if (trouble.kind === "media_failed" && !trouble.everConnected) {
      this.#neverConnected++;
      return this.#neverConnected < mostNeverConnected;
    }
    if (trouble.kind === "negotiation_failed") {
      this.#negotiationFailures++;
      return this.#negotiationFailures < mostNegotiationFailures;
    }
    return true;
  }

  /** Sound gets through. */
  settled(): void {
    this.#neverConnected = 0;
    this.#negotiationFailures = 0;
    this.#unsettled = 0;
  }
}
