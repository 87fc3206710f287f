import type { TrackSubscription } from "../wire/messages.ts";

/**
 * Keeps the SFU's list of subscriptions equal to the agent's: one request at a time, and only where the list
 * changed.
 */
export class Subscriptions {
  readonly #send: (tracks: readonly TrackSubscription[]) => Promise<void>;
  #wanted: readonly TrackSubscription[] = [];
  /** The list that the SFU was told last, as JSON; it begins with none. */
  #sent = "[]";
  #sending = false;

  /** @param send Tells the SFU. After it rejected, the list is sent again with the next change. */
  constructor(send: (tracks: readonly TrackSubscription[]) => Promise<void>) {
    this.#send = send;
  }

  get wanted(): readonly TrackSubscription[] {
    return this.#wanted;
  }

  /** Replaces the list, and sends it where it differs. */
  update(tracks: readonly TrackSubscription[]): void {
    this.#wanted = tracks;
    if (!this.#sending) void this.#sendChanges();
  }

  async #sendChanges(): Promise<void> {
    this.#sending = true;
    try {
      for (
        let list = JSON.stringify(this.#wanted);
        list !== this.#sent;
        list = JSON.stringify(this.#wanted)
      ) {
        await this.#send(this.#wanted);
        this.#sent = list;
      }
    } catch {
      // The sender reports the failure.
    } finally {
      this.#sending = false;
    }
  }
}
