import type { Media } from "../media/media.ts";
import { PeerType, TrackType } from "../wire/enums.ts";
import type { PublishOption, SubscriberOffer } from "../wire/messages.ts";
import type { MessageValue } from "../wire/protobuf.ts";
import type { SignalClient } from "../wire/twirp.ts";
import { type SessionFailure, sessionLost } from "./session-failure.ts";

export interface NegotiationOptions {
  readonly sessionId: string;
  readonly media: Media;
  readonly signalling: SignalClient;
  /** Fires when the session is over. */
  readonly signal: AbortSignal;
  readonly onFailure: (failure: SessionFailure) => void;
  readonly onWarning: (message: string, error: unknown) => void;
  /** Called when descriptions have been exchanged for this peer connection. */
  readonly onAgreed: (peer: "publisher" | "subscriber") => void;
}

/** The number of offers in a row that may fail before the session has failed. */
const maxFailures = 3;

/** Negotiates both peer connections with an SFU. Each of them has one exchange at a time, in order. */
export class Negotiation {
  readonly #options: NegotiationOptions;
  #publishing: Promise<void> = Promise.resolve();
  #answering: Promise<void> = Promise.resolve();
  #failures = 0;
  #answered = 0;
  #announced = false;
  #muted = false;

  constructor(options: NegotiationOptions) {
    this.#options = options;
  }

  /**
   * Takes note of a new socket, on which the SFU may number its offers anew. It waits for the answer to an
   * offer that came over the former socket.
   */
  renewed(): void {
    const reset = () => {
      this.#answered = 0;
    };
    this.#answering = this.#answering.then(reset, reset);
  }

  /**
   * Offers the agent's track; the first offer is followed by whether it is muted. It never rejects: a failure
   * is reported.
   */
  publish(option: PublishOption | null, { iceRestart = false } = {}): Promise<void> {
    this.#publishing = this.#publishing.then(() => this.#publish(option, iceRestart));
    return this.#publishing;
  }

  /**
   * Tells the SFU whether the track is muted: at once, or, where nothing was offered yet, with the first
   * offer. It rejects with a {@link StreamError}.
   */
  async mute(muted: boolean): Promise<void> {
    const changed = muted !== this.#muted;
    this.#muted = muted;
    if (changed && this.#announced) await this.#announce();
  }

  async #announce(): Promise<void> {
    const { sessionId, signalling } = this.#options;
    await signalling.call("UpdateMuteStates", {
      sessionId,
      muteStates: [{ trackType: TrackType.AUDIO, muted: this.#muted }],
    });
  }

  /** Answers an offer of the SFU. It never rejects: a failure is reported. */
  answer(offer: MessageValue<typeof SubscriberOffer>): Promise<void> {
    this.#answering = this.#answering.then(() => this.#answer(offer));
    return this.#answering;
  }

  /** Asks the SFU for another offer with an ICE restart. It never rejects: a failure is reported. */
  async restartSubscriber(): Promise<void> {
    const { sessionId, signalling } = this.#options;
    try {
      await signalling.call("IceRestart", { sessionId, peerType: PeerType.SUBSCRIBER });
    } catch (error) {
      this.#failed("To restart the subscriber", error);
    }
  }

  async #publish(option: PublishOption | null, iceRestart: boolean): Promise<void> {
    const { sessionId, media, signalling, signal, onAgreed } = this.#options;
    if (signal.aborted) return;
    try {
      const { sdp, tracks } = await media.publisher.offer(option, { iceRestart });
      const answer = await signalling.call("SetPublisher", { sdp, sessionId, tracks });
      if (signal.aborted) return;
      await media.publisher.accept(answer.sdp);
      onAgreed("publisher");
      if (this.#announced) return;
      this.#announced = true;
      await this.#announce();
    } catch (error) {
      if (this.#failed("To publish", error)) return;
      this.#options.onFailure({ kind: "negotiation_failed", error });
    }
  }

  async #answer({ sdp, negotiationId }: MessageValue<typeof SubscriberOffer>): Promise<void> {
    const { sessionId, media, signalling, signal, onAgreed } = this.#options;
    // The offer was repeated, or a later one was answered before it.
    const stale = negotiationId !== 0 && negotiationId <= this.#answered;
    if (signal.aborted || stale) return;
    try {
      const answer = await media.subscriber.answer(sdp);
      await signalling.call("SendAnswer", {
        peerType: PeerType.SUBSCRIBER,
        sdp: answer,
        sessionId,
        negotiationId,
      });
      this.#answered = negotiationId;
      this.#failures = 0;
      onAgreed("subscriber");
    } catch (error) {
      if (this.#failed("To answer an offer", error)) return;
      this.#failures++;
      if (this.#failures < maxFailures) void this.restartSubscriber();
      else this.#options.onFailure({ kind: "negotiation_failed", error });
    }
  }

  /**
   * Reports a failure, unless the session is over. Returns whether the session is over or lost, so that no
   * retry is of use.
   */
  #failed(message: string, error: unknown): boolean {
    const { signal, onWarning, onFailure } = this.#options;
    if (signal.aborted) return true;
    onWarning(message, error);
    if (!sessionLost(error)) return false;
    onFailure({ kind: "session_lost", error });
    return true;
  }
}
