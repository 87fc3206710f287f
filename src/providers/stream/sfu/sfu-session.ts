import type { PcmFrame } from "../../../audio/pcm-frame.ts";
import type { SfuAddress } from "../call/call-connection-event.ts";
import type { SfuCredentials } from "../coordinator/credentials.ts";
import type { StreamSdk } from "../coordinator/sdk.ts";
import type { CodecDescriptions, Media, MediaFactory, Peer } from "../media/media.ts";
import { PeerType, TrackType, WebsocketReconnectStrategy } from "../wire/enums.ts";
import type {
  JoinResponse,
  PublishOption,
  ReconnectDetails,
  SfuEvent,
  TrackSubscription,
} from "../wire/messages.ts";
import { SfuSocket, type SocketCloseReason } from "../wire/sfu-socket.ts";
import { SignalClient } from "../wire/twirp.ts";
import { clientDetails } from "./client-details.ts";
import { Negotiation } from "./negotiation.ts";
import { PeerWatch } from "./peer-watch.ts";
import { type SessionFailure, sessionLost } from "./session-failure.ts";
import { Subscriptions } from "./subscriptions.ts";

export interface SfuSessionOptions {
  readonly sdk: Pick<StreamSdk, "WebSocket">;
  readonly factory: MediaFactory;
  readonly apiKey: string;
  readonly userId: string;
  /** The id of the call, as `<type>:<id>`. */
  readonly cid: string;
  readonly credentials: SfuCredentials;
  readonly sessionId: string;
  readonly unifiedSessionId: string;
  /** Called with the events that are not about media, in order. */
  readonly onEvent: (event: SfuEvent) => void;
  /** Called with a failure, possibly more than once. The session itself does nothing about it. */
  readonly onFailure: (failure: SessionFailure) => void;
  readonly onWarning: (message: string, error: unknown) => void;
  readonly onConnected: (peer: Peer) => void;
  readonly onSound: (trackLookupPrefix: string, frame: PcmFrame) => void;
}

/**
 * The agent's session on one SFU: its signalling and its media. It outlives its socket where the SFU accepts
 * another one.
 */
export class SfuSession {
  readonly credentials: SfuCredentials;
  readonly sessionId: string;
  readonly media: Media;
  readonly #options: SfuSessionOptions;
  readonly #ended = new AbortController();
  readonly #signalling: SignalClient;
  readonly #negotiation: Negotiation;
  readonly #subscriptions: Subscriptions;
  readonly #watches: Readonly<Record<Peer, PeerWatch>>;
  #socket: SfuSocket | null = null;
  #publishOption: PublishOption | null = null;
  #codecs: CodecDescriptions | null = null;
  #fastDeadlineMs = 0;
  /**
   * The events that arrived after the response to a join, while that is not applied yet; null where events
   * are delivered at once.
   */
  #heldEvents: (() => void)[] | null = null;

  constructor(options: SfuSessionOptions) {
    const { credentials, sessionId, factory, onSound, onFailure, onWarning } = options;
    const { signal } = this.#ended;
    this.#options = options;
    this.credentials = credentials;
    this.sessionId = sessionId;
    this.#signalling = new SignalClient({ url: credentials.url, token: credentials.token, signal });
    this.#watches = { publisher: this.#watch("publisher"), subscriber: this.#watch("subscriber") };
    this.media = factory.open({
      iceServers: credentials.iceServers,
      onCandidate: (peer, candidate) => void this.#trickle(peer, candidate),
      onState: (peer, state) => this.#watches[peer].update(state),
      onSound,
    });
    this.#negotiation = new Negotiation({
      sessionId,
      media: this.media,
      signalling: this.#signalling,
      signal,
      onFailure,
      onWarning,
      onAgreed: (peer) => this.#watches[peer].begin(),
    });
    this.#subscriptions = new Subscriptions((tracks) => this.#subscribe(tracks));
  }

  /** Returns the address of the session; null before it joined. */
  get address(): SfuAddress | null {
    if (this.#codecs === null) return null;
    const { cid, userId, unifiedSessionId } = this.#options;
    const { edge, websocketUrl, token } = this.credentials;
    const codecs = this.#codecs;
    const { sessionId } = this;
    return { cid, userId, edge, websocketUrl, token, sessionId, unifiedSessionId, codecs };
  }

  /** Returns the time for which the SFU keeps the session after its socket was lost, in milliseconds. */
  get fastDeadlineMs(): number {
    return this.#fastDeadlineMs;
  }

  /** Returns whether neither peer connection has failed, so that the session can be resumed. */
  get mediaHealthy(): boolean {
    return this.#watches.publisher.state !== "failed" && this.#watches.subscriber.state !== "failed";
  }

  /** Returns whether the signalling socket has joined and is open. */
  get signalHealthy(): boolean {
    return this.#socket?.joined === true;
  }

  /** Returns the agent's tracks and subscriptions, which a reconnect tells the SFU. */
  get announcement(): Pick<ReconnectDetails, "announcedTracks" | "subscriptions"> {
    return { announcedTracks: this.media.publisher.tracks, subscriptions: this.#subscriptions.wanted };
  }

  /**
   * Opens a socket and joins over it; a former socket is closed. From here on events are held until
   * {@link deliverEvents}. It rejects with a {@link StreamError}.
   * @param attempt The number of sockets that were opened in this call before.
   */
  async join(attempt: number, reconnectDetails?: ReconnectDetails): Promise<JoinResponse> {
    const { sdk, factory, apiKey, userId, cid, unifiedSessionId, onFailure, onWarning } = this.#options;
    const { credentials, sessionId } = this;
    const query = new URLSearchParams({
      attempt: String(attempt),
      user_id: userId,
      api_key: apiKey,
      user_session_id: sessionId,
      cid,
    });
    void this.#socket?.close("superseded");
    const socket = new SfuSocket(sdk.WebSocket, {
      url: `${credentials.websocketUrl}?${query}`,
      onEvent: (event) => this.#handle(event),
      onLost: (loss) => this.#deliver(() => onFailure({ kind: "signal_lost", loss })),
      onUnreadable: (error) => onWarning("An event of the SFU cannot be read", error),
    });
    this.#socket = socket;
    this.#negotiation.renewed();
    this.#heldEvents ??= [];
    try {
      const { publisherSdp, subscriberSdp } = await factory.codecs();
      this.#codecs = { publisherSdp, subscriberSdp };
      const response = await socket.join({
        token: credentials.token,
        sessionId,
        unifiedSessionId,
        publisherSdp,
        subscriberSdp,
        clientDetails,
        ...(reconnectDetails === undefined
          ? {}
          : {
              reconnectDetails,
              fastReconnect: reconnectDetails.strategy === WebsocketReconnectStrategy.FAST,
            }),
      });
      this.#fastDeadlineMs = response.fastReconnectDeadlineSeconds * 1_000;
      this.#setPublishOption(response.publishOptions);
      return response;
    } catch (error) {
      void socket.close("joinFailed");
      throw error;
    }
  }

  /** Delivers the events that were held since the join, and all later ones at once. */
  deliverEvents(): void {
    const held = this.#heldEvents ?? [];
    this.#heldEvents = null;
    for (const deliver of held) deliver();
  }

  /** Offers the agent's track. It never rejects: a failure is reported. */
  publish(options: { readonly iceRestart?: boolean } = {}): Promise<void> {
    return this.#negotiation.publish(this.#publishOption, options);
  }

  /** Mutes or unmutes the track, also before it was offered. It never rejects: a failure is reported. */
  async mute(muted: boolean): Promise<void> {
    if (muted) this.media.publisher.pause();
    else this.media.publisher.resume();
    try {
      await this.#negotiation.mute(muted);
    } catch (error) {
      this.#reportFailure("To mute", error);
    }
  }

  /** Sets the tracks that the SFU sends. */
  subscribe(tracks: readonly TrackSubscription[]): void {
    this.#subscriptions.update(tracks);
  }

  /**
   * Leaves: the others see at once that the participant is gone. It resolves within a second. It never
   * rejects.
   */
  async leave(reason: string): Promise<void> {
    await Promise.all([this.#socket?.leave(this.sessionId, reason), this.#end()]);
  }

  /** Closes the session without leaving the call. */
  async close(reason: SocketCloseReason): Promise<void> {
    await Promise.all([this.#socket?.close(reason), this.#end()]);
  }

  async #end(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort(new Error("The session on the SFU is over"));
    this.#watches.publisher.close();
    this.#watches.subscriber.close();
    await this.media.close();
  }

  #watch(peer: Peer): PeerWatch {
    const { onFailure, onConnected } = this.#options;
    return new PeerWatch({
      onConnected: () => onConnected(peer),
      onFailed: (everConnected) => onFailure({ kind: "media_failed", peer, everConnected }),
      onRestart: () => this.#restartIce(peer),
    });
  }

  #restartIce(peer: Peer): void {
    if (peer === "publisher") void this.publish({ iceRestart: true });
    else void this.#negotiation.restartSubscriber();
  }

  #handle(event: SfuEvent): void {
    switch (event.type) {
      case "subscriberOffer":
        void this.#negotiation.answer(event.value);
        return;
      case "iceTrickle": {
        const { peerType, iceCandidate } = event.value;
        void this.media.addCandidate(
          peerType === PeerType.SUBSCRIBER ? "subscriber" : "publisher",
          iceCandidate,
        );
        return;
      }
      case "iceRestart":
        // A restart of the subscriber comes as an offer.
        if (event.value.peerType !== PeerType.SUBSCRIBER) this.#restartIce("publisher");
        return;
      case "changePublishOptions":
        this.#setPublishOption(event.value.publishOptions);
        return;
      default:
        this.#deliver(() => this.#options.onEvent(event));
    }
  }

  #deliver(deliver: () => void): void {
    if (this.#heldEvents === null) deliver();
    else this.#heldEvents.push(deliver);
  }

  #setPublishOption(options: readonly PublishOption[]): void {
    this.#publishOption =
      options.find(({ trackType }) => trackType === TrackType.AUDIO) ?? this.#publishOption;
  }

  async #trickle(peer: Peer, iceCandidate: string): Promise<void> {
    const { sessionId } = this;
    const peerType = peer === "subscriber" ? PeerType.SUBSCRIBER : PeerType.PUBLISHER_UNSPECIFIED;
    try {
      await this.#signalling.call("IceTrickle", { peerType, iceCandidate, sessionId });
    } catch (error) {
      this.#reportFailure("To send a candidate", error);
    }
  }

  async #subscribe(tracks: readonly TrackSubscription[]): Promise<void> {
    try {
      await this.#signalling.call("UpdateSubscriptions", { sessionId: this.sessionId, tracks });
    } catch (error) {
      this.#reportFailure("To subscribe", error);
      throw error;
    }
  }

  #reportFailure(message: string, error: unknown): void {
    if (this.#ended.signal.aborted) return;
    this.#options.onWarning(message, error);
    if (sessionLost(error)) this.#options.onFailure({ kind: "session_lost", error });
  }
}
