import type { PcmFrame } from "../../../audio/pcm-frame.ts";
import type { IceServer, PeerState } from "../../../media/peer.ts";
import type { PublishOption, TrackInfo } from "../wire/messages.ts";

/**
 * The codecs for sending and receiving, as descriptions that lead to no connection: they tell an SFU which codecs we know.
 */
export interface Capabilities {
  readonly publisherSdp: string;
  readonly subscriberSdp: string;
}

/** The two peer connections of a stay on an SFU: one for what we say, one for what we hear. */
export type Peer = "publisher" | "subscriber";

export interface MediaOptions {
  readonly iceServers: readonly IceServer[];
  /** A candidate of ours as JSON text, to be sent to the SFU. Calls begin after the description they belong to was returned. */
  readonly onCandidate: (peer: Peer, candidate: string) => void;
  readonly onState: (peer: Peer, state: PeerState) => void;
  /**
   * 20 ms of what somebody says, in order and gapless while they send; `trackLookupPrefix` is what comes before the first
   * colon of the id of the track's stream. Tracks that are not a microphone's are not heard.
   */
  readonly onSound: (trackLookupPrefix: string, frame: PcmFrame) => void;
}

/** An offer of what we send. */
export interface PublisherOffer {
  readonly sdp: string;
  /** All of its tracks, in the order of its sections. */
  readonly tracks: readonly TrackInfo[];
}

/** The agent's sound. It is silent, and yet sends, whenever nothing was handed to it. */
export interface Publisher {
  /** The tracks that were offered last; empty before. */
  readonly tracks: readonly TrackInfo[];
  /** The caller makes one offer at a time, and gives the answer to {@link accept} before it makes the next. */
  offer(option: PublishOption | null, options?: { readonly iceRestart?: boolean }): Promise<PublisherOffer>;
  /** The SFU's answer to the last offer. */
  accept(sdp: string): Promise<void>;
  /** 20 ms. Never throws; without effect before it is connected, once it is closed, or while it is paused. */
  send(frame: PcmFrame): void;
  /** Sends nothing at all, not even silence: the right to speak was withdrawn. */
  pause(): void;
  resume(): void;
}

/** The participants' sound. */
export interface Subscriber {
  /**
   * Our answer to an offer of the SFU. The caller gives one offer at a time. After a rejection the former description holds
   * again (rolled back), and the next offer is as welcome as this one was.
   */
  answer(sdp: string): Promise<string>;
}

/** The sound of one stay on one SFU. A rejoin or a migration opens another one; the old may go on until that one is connected. */
export interface Media {
  readonly publisher: Publisher;
  readonly subscriber: Subscriber;
  /**
   * The SFU's candidate, as JSON text, at any time: one that came before its description is held, one of a past description
   * is dropped. Never rejects for a candidate that cannot be used.
   */
  addCandidate(peer: Peer, candidate: string): Promise<void>;
  /** Ends both at once. No callback follows. Can be called again. Never rejects. */
  close(): Promise<void>;
}

/** Makes the sound of a call. */
export interface MediaFactory {
  /** The sample rate that `send` wants, in hertz. */
  readonly sampleRate: number;
  /** Resolves with what this machine can send and receive. The same text may be returned each time. */
  capabilities(): Promise<Capabilities>;
  /** Opens at once: nothing is waited for. */
  open(options: MediaOptions): Media;
}
