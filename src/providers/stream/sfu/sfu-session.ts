import type { PcmFrame } from "../../../audio/pcm-frame.ts";
import type { SfuAddress } from "../call/call-connection-event.ts";
import type { Credentials } from "../coordinator/credentials.ts";
import type { Sdk } from "../coordinator/sdk.ts";
import type { Capabilities, Media, MediaFactory, Peer } from "../media/media.ts";
import { PeerType, TrackType, WebsocketReconnectStrategy } from "../wire/enums.ts";
import type {
  JoinResponse,
  PublishOption,
  ReconnectDetails,
  SfuEvent,
  TrackSubscription,
} from "../wire/messages.ts";
import { type CloseReason, SfuSocket } from "../wire/sfu-socket.ts";
import { SignalClient } from "../wire/twirp.ts";
import { clientDetails } from "./client-details.ts";
import { Negotiation } from "./negotiation.ts";
import { PeerWatch } from "./peer-watch.ts";
import { type SessionFailure, sessionLost } from "./session-failure.ts";
import { Subscriptions } from "./subscriptions.ts";

export interface SfuSessionOptions {
  readonly sdk: Pick<Sdk, "WebSocket">;
  readonly factory: MediaFactory;
  readonly apiKey: string;
  readonly userId: string;
  /** `<type>:<id>` of the call. */
  readonly cid: string;
  readonly credentials: Credentials;
  readonly sessionId: string;
  readonly unifiedSessionId: string;
  /** Events that are not about media, in order. */
  readonly onEvent: (event: SfuEvent) => void;
  /** Reports a trouble. It may be called more than once. The stay itself does nothing about it. */
  readonly onFailure: (failure: SessionFailure) => void;
  readonly onWarning: (what: string, error: unknown) => void;
  readonly onConnected: (peer: Peer) => void;
  readonly onSound: (trackLookupPrefix: string, frame: PcmFrame) => void;
}

/** One session on one SFU: its signalling and its sound. It outlives its socket where the SFU takes up a new one. */
export class SfuSession {
  readonly credentials: Credentials;
  readonly sessionId: string;
  readonly media: Media;
  readonly #options: SfuSessionOptions;
  readonly #over = new AbortController();
  readonly #signalling: SignalClient;
  readonly #negotiation: Negotiation;
  readonly #subscriptions: Subscriptions;
  readonly #watches: Readonly<Record<Peer, PeerWatch>>;
  #socket: SfuSocket | null = null;
  #publishOption: PublishOption | null = null;
  #capabilities: Capabilities | null = null;
  #fastDeadlineMs = 0;
  /** The messages that came after the answer to a join, which is read first; null where nothing has to wait. */
  #waiting: (() => void)[] | null = null;

  constructor(options: SfuSessionOptions) {
    const { credentials, sessionId, factory, onSound, onFailure, onWarning } = options;
    const { signal } = this.#over;
    this.#options = options;
    this.credentials = credentials;
    this.sessionId = sessionId;
    this.#signalling = new SignalClient({ url: credentials.url, token: credentials.token, signal });
    this.#watches = { publisher: this.#watch("publisher"), subscriber: this.#watch("subscriber") };
    this.media = factory.open({
      iceServers: credentials.iceServers,
      onCandidate: (peer, candidate) => void this.#trickle(peer, candidate),
      onState: (peer, state) => this.#watches[peer].take(state),
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

  /** The agent's place in the call; null before it joined. */
  get place(): SfuAddress | null {
    if (this.#capabilities === null) return null;
    const { cid, userId, unifiedSessionId } = this.#options;
    const { edge, websocketUrl, token } = this.credentials;
    const capabilities = this.#capabilities;
    const { sessionId } = this;
    return { cid, userId, edge, websocketUrl, token, sessionId, unifiedSessionId, capabilities };
  }

  /** The time for which the SFU keeps the session after its socket was lost, in milliseconds. */
  get fastDeadlineMs(): number {
    return this.#fastDeadlineMs;
  }

  /** Returns whether what was agreed about media is worth to be kept. */
  get mediaHealthy(): boolean {
    return this.#watches.publisher.state !== "failed" && this.#watches.subscriber.state !== "failed";
  }

  get signalHealthy(): boolean {
    return this.#socket?.joined === true;
  }

  /** The announcement by which a reconnection tells the SFU about the agent as it was. */
  get announcement(): Pick<ReconnectDetails, "announcedTracks" | "subscriptions"> {
    return { announcedTracks: this.media.publisher.tracks, subscriptions: this.#subscriptions.wanted };
  }

  /**
   * Opens a socket and joins over it; one that there was is closed. `attempt` counts the sockets of a call. Events wait from
   * here on for {@link proceed}. Rejects with a StreamError.
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
      onEvent: (event) => this.#take(event),
      onLost: (loss) => this.#later(() => onFailure({ kind: "signal_lost", loss })),
      onUnreadable: (error) => onWarning("An event of the SFU cannot be read", error),
    });
    this.#socket = socket;
    this.#negotiation.renewed();
    this.#waiting ??= [];
    try {
      const { publisherSdp, subscriberSdp } = await factory.capabilities();
      this.#capabilities = { publisherSdp, subscriberSdp };
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
      this.#takeOptions(response.publishOptions);
      return response;
    } catch (error) {
      void socket.close("joinFailed");
      throw error;
    }
  }

  /** The answer to the join was read: what came after it may be told. */
  proceed(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const tell of waiting) tell();
  }

  /** Offers what we say. What goes wrong is a trouble. */
  publish(options: { readonly iceRestart?: boolean } = {}): Promise<void> {
    return this.#negotiation.publish(this.#publishOption, options);
  }

  /** Withdraws the microphone, or brings it back; also before it was ever offered. */
  async mute(muted: boolean): Promise<void> {
    if (muted) this.media.publisher.pause();
    else this.media.publisher.resume();
    try {
      await this.#negotiation.mute(muted);
    } catch (error) {
      this.#failed("To mute", error);
    }
  }

  subscribe(tracks: readonly TrackSubscription[]): void {
    this.#subscriptions.update(tracks);
  }

  /** Says goodbye: the participant is gone at once. Resolves within a second. */
  async leave(reason: string): Promise<void> {
    await Promise.all([this.#socket?.leave(this.sessionId, reason), this.#end()]);
  }

  /** Ends it without a goodbye. */
  async close(why: CloseReason): Promise<void> {
    await Promise.all([this.#socket?.close(why), this.#end()]);
  }

  async #end(): Promise<void> {
    if (this.#over.signal.aborted) return;
    this.#over.abort(new Error("The session on the SFU is over"));
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

  #take(event: SfuEvent): void {
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
        // The subscriber's comes as an offer.
        if (event.value.peerType !== PeerType.SUBSCRIBER) this.#restartIce("publisher");
        return;
      case "changePublishOptions":
        this.#takeOptions(event.value.publishOptions);
        return;
      default:
        this.#later(() => this.#options.onEvent(event));
    }
  }

  #later(tell: () => void): void {
    if (this.#waiting === null) tell();
    else this.#waiting.push(tell);
  }

  #takeOptions(options: readonly PublishOption[]): void {
    this.#publishOption =
      options.find(({ trackType }) => trackType === TrackType.AUDIO) ?? this.#publishOption;
  }

  async #trickle(peer: Peer, iceCandidate: string): Promise<void> {
    const { sessionId } = this;
    const peerType = peer === "subscriber" ? PeerType.SUBSCRIBER : PeerType.PUBLISHER_UNSPECIFIED;
    try {
      await this.#signalling.call("IceTrickle", { peerType, iceCandidate, sessionId });
    } catch (error) {
      this.#failed("To send a candidate", error);
    }
  }

  async #subscribe(tracks: readonly TrackSubscription[]): Promise<void> {
    try {
      await this.#signalling.call("UpdateSubscriptions", { sessionId: this.sessionId, tracks });
    } catch (error) {
      this.#failed("To subscribe", error);
      throw error;
    }
  }

  #failed(what: string, error: unknown): void {
    if (this.#over.signal.aborted) return;
    this.#options.onWarning(what, error);
    if (sessionLost(error)) this.#options.onFailure({ kind: "session_lost", error });
  }
}
