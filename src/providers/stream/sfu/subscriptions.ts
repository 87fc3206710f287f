import type { TrackSubscription } from "../wire/messages.ts";

/** Keeps an SFU's list of what we want to hear the same as ours: one request at a time, and only where it changed. */
export class Subscriptions {
  readonly #send: (tracks: readonly TrackSubscription[]) => Promise<void>;
  #wanted: readonly TrackSubscription[] = [];
  /** The subscriptions that the SFU was told last; none at first, as it believes itself. */
  #told = "[]";
  #sending = false;

  /** `send` tells the SFU; after it rejected, the list is sent again with the next change. */
  constructor(send: (tracks: readonly TrackSubscription[]) => Promise<void>) {
    this.#send = send;
  }

  get wanted(): readonly TrackSubscription[] {
    return this.#wanted;
  }

  update(tracks: readonly TrackSubscription[]): void {
    this.#wanted = tracks;
    if (!this.#sending) void this.#settle();
  }

  async #settle(): Promise<void> {
    this.#sending = true;
    try {
      for (
        let list = JSON.stringify(this.#wanted);
        list !== this.#told;
        list = JSON.stringify(this.#wanted)
      ) {
        await this.#send(this.#wanted);
        this.#told = list;
      }
    } catch {
      // Whoever sends knows what went wrong, and what follows from it.
    } finally {
      this.#sending = false;
    }
  }
}
