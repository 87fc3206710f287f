import { setTimeout } from "node:timers/promises";
import { MediaStream, MediaStreamTrack, type RTCPeerConnection, type RTCRtpTransceiver } from "werift";
import { PeerType, TrackType } from "../../../../src/providers/stream/wire/enums.ts";
import type { TrackSubscription } from "../../../../src/providers/stream/wire/messages.ts";
import { within } from "../../../../src/shared/deadline.ts";
import type { EdgeConnection } from "../sfu/edge-connection.ts";
import { createPeerConnection } from "./peer-connection.ts";
import type { PublishedTrack } from "./published-track.ts";
import { RemoteCandidates, withoutLocalNames } from "./remote-candidates.ts";
import { SoundPath } from "./sound-path.ts";
import { Trickle } from "./trickle.ts";

/** The longest wait for the answer to an offer, in milliseconds. */
const answerTimeoutMs = 10_000;

interface Forwarded {
  readonly transceiver: RTCRtpTransceiver;
  readonly stop: () => void;
}

/** The SFU's side of the peer connection on which a participant receives. The SFU makes the offers, one at a time. */
export class Subscriber {
  /** The client's latest list of subscriptions. */
  wanted: readonly TrackSubscription[] = [];
  /** The number of packets sent to the participant. */
  sent = 0;
  readonly #edgeConnection: EdgeConnection;
  readonly #path: SoundPath;
  readonly #forwarded = new Map<PublishedTrack, Forwarded>();
  #connection: RTCPeerConnection | null = null;
  #trickle: Trickle | null = null;
  #candidates: RemoteCandidates | null = null;
  #work: Promise<void> = Promise.resolve();
  #awaited: { readonly id: number; answer(sdp: string): void; cancel(reason: Error): void } | null = null;
  #negotiation = 0;
  #cut = false;
  #closed = false;

  constructor(edgeConnection: EdgeConnection) {
    this.#edgeConnection = edgeConnection;
    this.#path = new SoundPath(edgeConnection.edge.world.faults, "downlink");
  }

  get state(): string {
    return this.#connection?.connectionState ?? "new";
  }

  /** Offers the tracks that are missing, and removes those that have ended. */
  reconcile(): void {
    this.#queue(async () => {
      const wished = this.#wished();
      const stale = [...this.#forwarded].filter(([track]) => !wished.has(track));
      const fresh = [...wished].filter(([track]) => !this.#forwarded.has(track));
      for (const [track, { transceiver, stop }] of stale) {
        stop();
        transceiver.setDirection("inactive");
        this.#forwarded.delete(track);
      }
      for (const [track, prefix] of fresh) this.#forward(track, prefix);
      if (stale.length + fresh.length > 0) await this.#offer(false);
    });
  }

  /** Makes another offer, or the first one, also where nothing has changed. */
  offer(iceRestart: boolean): void {
    if (this.#negotiation === 0) this.reconcile();
    else this.#queue(() => this.#offer(iceRestart));
  }

  /** Forgets the offer of a former socket, which will not be answered. */
  forgetOffer(): void {
    this.#awaited?.cancel(new Error("superseded"));
  }

  /** Applies an answer. Returns false where it is not the expected one. */
  answer(negotiationId: number, sdp: string): boolean {
    if (this.#awaited === null || (negotiationId !== 0 && negotiationId !== this.#awaited.id)) return false;
    this.#awaited.answer(sdp);
    return true;
  }

  /** Rejects where it is not a candidate. */
  async addCandidate(json: string): Promise<void> {
    this.#open();
    await this.#candidates?.add(json);
  }

  /**
   * Cuts the connection for good: no packet arrives, and no ICE restart helps. {@link usable} is false from then on.
   */
  cut(): void {
    this.#cut = true;
    this.#close();
  }

  get usable(): boolean {
    return !this.#cut && !this.#closed;
  }

  close(): void {
    this.#closed = true;
    this.forgetOffer();
    for (const { stop } of this.#forwarded.values()) stop();
    this.#path.close();
    this.#close();
  }

  #close(): void {
    this.#trickle?.close();
    this.#connection?.close().catch(() => {});
  }

  #queue(work: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (!this.usable) return;
      try {
        await work();
      } catch (error) {
        if (!this.#closed) this.#edgeConnection.log("offer_failed", { message: (error as Error).message });
      }
    });
  }

  /** Returns the tracks for this participant, each with its owner's prefix. */
  #wished(): Map<PublishedTrack, string> {
    const { call } = this.#edgeConnection.participant;
    const wished = new Map<PublishedTrack, string>();
    for (const other of call.others(this.#edgeConnection.participant)) {
      for (const track of other.tracks.values()) {
        const asked = this.wanted.some(
          ({ sessionId, trackType }) => sessionId === other.sessionId && trackType === track.type,
        );
        const unasked =
          track.type === TrackType.AUDIO && this.#edgeConnection.edge.world.rules.forwardsAudioUnasked;
        if (asked || unasked) wished.set(track, other.prefix);
      }
    }
    return wished;
  }

  #forward(published: PublishedTrack, prefix: string): void {
    const connection = this.#open();
    const track = new MediaStreamTrack({ kind: "audio" });
    const stream = new MediaStream({ id: `${prefix}:${published.name}:0`, tracks: [track] });
    const transceiver = connection.addTransceiver(track, { direction: "sendonly", streams: [stream] });
    const unlisten = published.listen((packet) => {
      this.#path.send(packet, (arrived) => {
        if (this.#cut || track.stopped) return;
        this.sent += 1;
        track.writeRtp(arrived);
      });
    });
    this.#forwarded.set(published, { transceiver, stop: unlisten });
  }

  async #offer(iceRestart: boolean): Promise<void> {
    const connection = this.#open();
    const { delayMs = 0, twice = false } = this.#edgeConnection.edge.world.faults.offers;
    const offer = await connection.createOffer({ iceRestart });
    await this.#trickle?.wait(connection.setLocalDescription(offer));
    if (delayMs > 0) await setTimeout(delayMs, undefined, { ref: false });
    if (!this.usable) return;
    this.#negotiation += 1;
    const negotiationId = this.#negotiation;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#awaited = { id: negotiationId, answer: resolve, cancel: reject };
    try {
      const event = { subscriberOffer: { iceRestart, sdp: offer.sdp, negotiationId } };
      this.#edgeConnection.send(event);
      if (twice) this.#edgeConnection.send(event);
      this.#edgeConnection.log("offer", { negotiationId, iceRestart });
      const sdp = await within(promise, answerTimeoutMs, "The answer to an offer");
      await connection.setRemoteDescription({ type: "answer", sdp: withoutLocalNames(sdp) });
      await this.#candidates?.described();
      this.#edgeConnection.log("answered", { negotiationId, iceRestart });
    } finally {
      this.#awaited = null;
    }
    // werift starts no checks by itself after an ICE restart.
    if (iceRestart) for (const transport of connection.iceTransports) transport.start().catch(() => {});
  }

  #open(): RTCPeerConnection {
    if (this.#connection !== null) return this.#connection;
    const connection = createPeerConnection();
    const { faults } = this.#edgeConnection.edge.world;
    this.#trickle = new Trickle(
      connection,
      () => faults.candidates,
      (iceCandidate) => {
        const { sessionId } = this.#edgeConnection.participant;
        this.#edgeConnection.send({ iceTrickle: { peerType: PeerType.SUBSCRIBER, iceCandidate, sessionId } });
      },
    );
    connection.connectionStateChange.subscribe((state) =>
      this.#edgeConnection.log("state", { peer: "subscriber", state }),
    );
    this.#connection = connection;
    this.#candidates = new RemoteCandidates(connection);
    return connection;
  }
}
