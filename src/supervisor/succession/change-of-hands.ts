import { within } from "../../shared/deadline.ts";
import { GreenroomError } from "../../shared/errors.ts";

/** The longest time that a request waits until it is known who has the session, in milliseconds: a step of a hand-over may take as long. */
const settledWithinMs = 5_000;

/**
 * The moment in which a session changes hands: its agent here rests, and another process may have the session already. Requests
 * about it wait, since neither agent would do what they ask for.
 */
export class ChangeOfHands {
  #settled: PromiseWithResolvers<void> | null = null;

  /** Returns whether it is not known who has the session. */
  get underWay(): boolean {
    return this.#settled !== null;
  }

  begin(): void {
    this.#settled ??= Promise.withResolvers();
  }

  /** Notes that it is known who has the session. */
  end(): void {
    this.#settled?.resolve();
    this.#settled = null;
  }

  /** Resolves once it is known who has the session. Rejects with PEER_UNREACHABLE where that takes too long. */
  async over(): Promise<void> {
    if (this.#settled === null) return;
    try {
      await within(this.#settled.promise, settledWithinMs, "The hand-over of the session");
    } catch (cause) {
      throw new GreenroomError("PEER_UNREACHABLE", undefined, { cause });
    }
  }
}
