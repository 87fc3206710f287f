import type { PcmFrame } from "../../../audio/pcm-frame.ts";
import type { IceServer, PeerState } from "../../../media/peer.ts";
import type { PublishOption, TrackInfo } from "../wire/messages.ts";

/**
 * The codecs for sending and receiving, as session descriptions that are never connected: they tell an SFU
 * which codecs are known.
 */
export interface CodecDescriptions {
  readonly publisherSdp: string;
  readonly subscriberSdp: string;
}

/**
 * The two peer connections of a session: `publisher` sends the agent's sound, `subscriber` receives the
 * participants'.
 */
export type Peer = "publisher" | "subscriber";

/** The servers and callbacks of a session's media. */
export interface MediaOptions {
  readonly iceServers: readonly IceServer[];
  /**
   * Called with a local candidate as JSON text, to be sent to the SFU. Calls begin after the description that
   * the candidate belongs to was returned.
   */
  readonly onCandidate: (peer: Peer, candidate: string) => void;
  readonly onState: (peer: Peer, state: PeerState) => void;
  /**
   * Called with 20 ms of a participant's sound, in order and without gaps while they send.
   * `trackLookupPrefix` is the part of the id of the track's stream before the first colon. Tracks other than
   * microphones are ignored.
   */
  readonly onSound: (trackLookupPrefix: string, frame: PcmFrame) => void;
}

/** An offer of the agent's tracks. */
export interface PublisherOffer {
  readonly sdp: string;
  /** All its tracks, in the order of the description's sections. */
  readonly tracks: readonly TrackInfo[];
}

/** The agent's sound. Silence is sent while no frame is given. */
export interface MediaPublisher {
  /** The tracks of the last offer; empty before the first. */
  readonly tracks: readonly TrackInfo[];
  /**
   * Makes an offer. The caller makes one at a time, and gives the answer to {@link accept} before it makes
   * the next.
   */
  offer(option: PublishOption | null, options?: { readonly iceRestart?: boolean }): Promise<PublisherOffer>;
  /** Applies the SFU's answer to the last offer. */
  accept(sdp: string): Promise<void>;
  /**
   * Sends a frame of 20 ms. It never throws. It has no effect before the connection, after the end, and while
   * paused.
   */
  send(frame: PcmFrame): void;
  /** Stops sending altogether, silence included, since the agent may not be heard. */
  pause(): void;
  resume(): void;
}

/** The participants' sound. */
export interface MediaSubscriber {
  /**
   * Resolves with the answer to an offer of the SFU. The caller gives one offer at a time. After a rejection
   * the former description applies again, and the next offer can be given.
   */
  answer(sdp: string): Promise<string>;
}

/**
 * The sound of one session on one SFU. A rejoin or a migration opens another one, while the former may
 * continue until that one is connected.
 */
export interface Media {
  readonly publisher: MediaPublisher;
  readonly subscriber: MediaSubscriber;
  /**
   * Adds a candidate of the SFU, as JSON text, at any time. A candidate that precedes its description is
   * held; one of a past description is dropped. It never rejects.
   */
  addCandidate(peer: Peer, candidate: string): Promise<void>;
  /** Closes both connections. No callback follows. It may be called again, and never rejects. */
  close(): Promise<void>;
}

/** Opens the media of sessions. */
export interface MediaFactory {
  /** The sample rate of the frames to send, in hertz. */
  readonly sampleRate: number;
  /** Resolves with the codecs of this machine. The same text may be returned each time. */
  codecs(): Promise<CodecDescriptions>;
  /** Opens the media at once, without waiting for anything. */
  open(options: MediaOptions): Media;
}
