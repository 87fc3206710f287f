import type { Media } from "../media/media.ts";
import { PeerType, TrackType } from "../wire/enums.ts";
import type { PublishOption, SubscriberOffer } from "../wire/messages.ts";
import type { Value } from "../wire/protobuf.ts";
import type { SignalClient } from "../wire/twirp.ts";
import { type SessionFailure, sessionLost } from "./session-failure.ts";

export interface NegotiationOptions {
  readonly sessionId: string;
  readonly media: Media;
  readonly signalling: SignalClient;
  /** Fires when the stay is over. */
  readonly signal: AbortSignal;
  readonly onFailure: (failure: SessionFailure) => void;
  readonly onWarning: (what: string, error: unknown) => void;
  /** Descriptions were exchanged for the peer. */
  readonly onAgreed: (peer: "publisher" | "subscriber") => void;
}

/** The number of the SFU's offers in a row that may fail before the whole stay has failed. */
const mostFailures = 3;

/** The negotiation with an SFU about both peer connections: on each side one thing at a time, in order. */
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

  /** A new socket: the SFU may begin to count its offers anew. One of the old socket may be being answered yet. */
  renewed(): void {
    const reset = () => {
      this.#answered = 0;
    };
    this.#answering = this.#answering.then(reset, reset);
  }

  /** Offers what we send; the first time it also says whether it is muted. */
  publish(option: PublishOption | null, { iceRestart = false } = {}): Promise<void> {
    this.#publishing = this.#publishing.then(() => this.#publish(option, iceRestart));
    return this.#publishing;
  }

  /** Says whether the microphone is off: at once, or, where nothing was offered yet, with the first offer. */
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

  answer(offer: Value<typeof SubscriberOffer>): Promise<void> {
    this.#answering = this.#answering.then(() => this.#answer(offer));
    return this.#answering;
  }

  /** Asks the SFU to offer anew, with an ICE restart. */
  async restartSubscriber(): Promise<void> {
    const { sessionId, signalling } = this.#options;
    try {
      await signalling.call("IceRestart", { sessionId, peerType: PeerType.SUBSCRIBER });
    } catch (error) {
      this.#failed("To restart what is heard", error);
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

  async #answer({ sdp, negotiationId }: Value<typeof SubscriberOffer>): Promise<void> {
    const { sessionId, media, signalling, signal, onAgreed } = this.#options;
    // The same offer again, or one that was overtaken.
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
      if (this.#failures < mostFailures) void this.restartSubscriber();
      else this.#options.onFailure({ kind: "negotiation_failed", error });
    }
  }

  /** Returns whether nothing more is to be done about it here. */
  #failed(what: string, error: unknown): boolean {
    const { signal, onWarning, onFailure } = this.#options;
    if (signal.aborted) return true;
    onWarning(what, error);
    if (!sessionLost(error)) return false;
    onFailure({ kind: "session_lost", error });
    return true;
  }
}
