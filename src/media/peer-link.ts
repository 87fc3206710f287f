import type {
  RTCIceCandidateInit,
  RTCIceTransport,
  RTCPeerConnection,
  RTCPeerConnectionConfig,
} from "werift";
import { RemoteCandidates } from "./candidates.ts";
import type { PeerState } from "./peer.ts";
import { normalizeSdp } from "./sdp.ts";
import { type OpenSocket, PeerSockets } from "./sockets.ts";
import { checkConsent, iceConnectionOf, receivedPackets } from "./werift.ts";
import type { Werift } from "./werift-parts.ts";
import { mendSecurity } from "./werift-security.ts";

/** The times of a peer connection. */
export interface PeerLinkTimes {
  /**
   * The longest time from the descriptions to the connection, at first and after an ICE restart, in
   * milliseconds. After it the connection has failed.
   */
  readonly connectTimeoutMs: number;
  /**
   * The time without received packets after which the other side's consent is checked repeatedly, in
   * milliseconds.
   */
  readonly checkAfterMs: number;
  /**
   * The time without received packets, consent answers included, after which the connection is disconnected,
   * in milliseconds.
   */
  readonly silenceMs: number;
}
export const peerLinkTimes: PeerLinkTimes = {
  connectTimeoutMs: 15_000,
  checkAfterMs: 1_000,
  silenceMs: 3_000,
};

export interface PeerLinkOptions {
  readonly werift: Werift;
  readonly config: RTCPeerConnectionConfig;
  readonly times: PeerLinkTimes;
  readonly onCandidate: (candidate: string) => void;
  readonly onState: (state: PeerState) => void;
  /** True where the other side is a browser, which is ready for a handshake as soon as the connection is there. */
  readonly secureAtOnce?: boolean;
  /** Opens its UDP socket. Default: werift does. */
  readonly openSocket?: OpenSocket | null;
}

const watchEveryMs = 500;
/**
 * The number of consent checks without an answer before the connection is disconnected: a thread that was
 * busy has not read the answers yet.
 */
const minUnansweredChecks = 3;

/**
 * One peer connection, with what werift leaves to its user. It starts the checks before the candidates are
 * gathered, also after an ICE restart; pairs a relay that was allocated late; holds candidates until they are
 * due; reports when nothing is received; and closes every socket.
 */
export class PeerLink {
  readonly connection: RTCPeerConnection;
  readonly #options: PeerLinkOptions;
  readonly #sockets: PeerSockets;
  readonly #candidates: RemoteCandidates;
  /** The number of ICE restarts that were begun, by transport. A transport in it is prepared. */
  readonly #restarts = new WeakMap<RTCIceTransport, number>();
  /**
   * The local candidates whose description is not returned yet; null where candidates are reported at once.
   */
  #held: string[] | null = null;
  #releasing: NodeJS.Immediate | undefined;
  #state: PeerState = "new";
  #everConnected = false;
  #limit: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;
  #received = 0;
  /** The number of answers to consent checks made here, which werift does not count. */
  #answers = 0;
  /** The number of consent checks since something was received. */
  #checks = 0;
  #receivedAt = 0;
  #closing: Promise<void> | null = null;

  constructor(options: PeerLinkOptions) {
    this.#options = options;
    const { RTCPeerConnection } = options.werift;
    this.connection = new RTCPeerConnection(options.config);
    this.#sockets = new PeerSockets(options.openSocket);
    this.#candidates = new RemoteCandidates((candidate) =>
      this.connection.addIceCandidate(candidate as RTCIceCandidateInit),
    );
    this.connection.onIceCandidate.subscribe((candidate) => {
      if (candidate === undefined || this.#closing) return;
      if (/ typ relay/.test(candidate.candidate)) this.#pairRelay();
      const json = JSON.stringify(candidate.toJSON());
      if (this.#held) this.#held.push(json);
      else options.onCandidate(json);
    });
    this.connection.connectionStateChange.subscribe((state) => {
      if (state === "connected" && !this.#restarting) this.#connected();
      if (state === "failed") this.#fail();
    });
  }

  /** Returns whether the connection was ever connected. */
  get everConnected(): boolean {
    return this.#everConnected;
  }

  /** Adds a remote candidate, given as JSON. It never rejects. */
  addCandidate(json: string): Promise<void> {
    return this.#closing ? Promise.resolve() : this.#candidates.add(json);
  }

  /** Resolves with an offer. The other side's answer is given to {@link accept}. */
  async offer(iceRestart: boolean): Promise<string> {
    const { connection } = this;
    const offer = await connection.createOffer({ iceRestart });
    this.#prepare();
    await connection.setLocalDescription(offer);
    return offer.sdp;
  }

  /** Applies the other side's answer to the last offer. It rejects where that is not possible. */
  async accept(sdp: string): Promise<void> {
    await this.connection.setRemoteDescription({ type: "answer", sdp: normalizeSdp(sdp) });
    this.#begin();
    await this.#candidates.describe(sdp);
  }

  /**
   * Resolves with the answer to an offer of the other side. Where it rejects, the former description applies
   * again.
   */
  async answer(sdp: string): Promise<string> {
    const { connection } = this;
    // werift accepts any text as a description.
    if (!/^m=/m.test(sdp) || !/^a=ice-ufrag:/m.test(sdp))
      throw new Error("The offer describes no connection");
    try {
      await connection.setRemoteDescription({ type: "offer", sdp: normalizeSdp(sdp) });
      const answer = await connection.createAnswer();
      this.#prepare();
      await connection.setLocalDescription(answer);
      this.#begin();
      await this.#candidates.describe(sdp);
      return answer.sdp;
    } catch (error) {
      if (connection.signalingState === "have-remote-offer") {
        await connection.setRemoteDescription({ type: "rollback" });
      }
      throw error;
    }
  }

  /** Closes the connection and its sockets. It never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#limit);
    clearInterval(this.#watch);
    clearImmediate(this.#releasing);
    await this.connection.close().catch(() => {});
    await this.#sockets.close().catch(() => {});
  }

  /** Returns whether an ICE restart is under way, during which werift still reports the connection as connected. */
  get #restarting(): boolean {
    return (
      this.#everConnected && this.connection.iceTransports.some(({ connection }) => !connection.nominated)
    );
  }

  /**
   * Prepares the transports before a local description is applied. By itself werift waits in that step until
   * all candidates are gathered, and connects only then.
   */
  #prepare(): void {
    this.#held ??= [];
    clearImmediate(this.#releasing);
    this.#releasing = setImmediate(() => this.#releaseCandidates());
    for (const transport of this.connection.iceTransports) {
      if (this.#restarts.has(transport)) continue;
      this.#restarts.set(transport, 0);
      const gather = transport.gather.bind(transport);
      transport.gather = async () => {
        void this.#sockets.during(gather).catch(() => {});
      };
      const secure = this.connection.dtlsTransports.find(({ iceTransport }) => iceTransport === transport);
      if (secure) mendSecurity(secure, this.#options.secureAtOnce ?? false);
      // Where no server is given, werift uses one of Google's.
      const servers = this.#options.config.iceServers ?? [];
      if (!servers.some(({ urls }) => /^stun/i.test(String(urls)))) delete transport.connection.stunServer;
    }
  }

  #releaseCandidates(): void {
    const early = this.#held ?? [];
    this.#held = null;
    for (const candidate of early) this.#options.onCandidate(candidate);
  }

  /** Begins to connect, since both descriptions are applied. */
  #begin(): void {
    if (this.#closing) return;
    if (this.#state === "new") this.#connecting();
    const { iceTransports, dtlsTransports } = this.connection;
    for (const transport of iceTransports) {
      const begun = this.#restarts.get(transport) ?? 0;
      if (transport.iceRestarts === begun) continue;
      this.#restarts.set(transport, transport.iceRestarts);
      this.#connecting();
      // werift connects a transport that is not secured yet, but does not start an ICE restart of one that is.
      const secure = dtlsTransports.find(({ iceTransport }) => iceTransport === transport);
      if (secure?.state !== "connected") continue;
      void transport.start().then(
        () => this.#connected(),
        () => this.#fail(),
      );
    }
  }

  #connecting(): void {
    clearTimeout(this.#limit);
    this.#limit = setTimeout(() => this.#fail(), this.#options.times.connectTimeoutMs).unref();
    this.#setState("connecting");
  }

  /**
   * Pairs a relay with the remote candidates that arrived before it, which werift does not. A relay that is
   * reached over TCP and takes longer than the answer would otherwise never be tried.
   */
  #pairRelay(): void {
    for (const transport of this.connection.iceTransports) {
      const pairing = iceConnectionOf(transport);
      for (const candidate of transport.connection.remoteCandidates) pairing.pairRemoteCandidate(candidate);
    }
  }

  #connected(): void {
    if (this.#closing) return;
    clearTimeout(this.#limit);
    this.#limit = undefined;
    this.#everConnected = true;
    this.#receivedAt = performance.now();
    this.#watch ??= setInterval(() => this.#checkReceived(), watchEveryMs).unref();
    this.#setState("connected");
  }

  /**
   * Checks whether anything was received. werift checks consent every 5 s and reports silence after 30 s.
   * These checks are more frequent: the loss of one or two packets is not yet silence, and silence is
   * reported after 3 s.
   */
  #checkReceived(): void {
    const { checkAfterMs, silenceMs } = this.#options.times;
    const received = receivedPackets(this.connection) + this.#answers;
    const silentMs = performance.now() - this.#receivedAt;
    if (received !== this.#received) {
      this.#received = received;
      this.#receivedAt = performance.now();
      this.#checks = 0;
      if (this.#state !== "connected" && !this.#restarting) this.#connected();
      return;
    }
    if (silentMs >= silenceMs && this.#checks >= minUnansweredChecks && this.#state === "connected") {
      this.#setState("disconnected");
    }
    if (silentMs < checkAfterMs) return;
    this.#checks += 1;
    checkConsent(this.connection, () => {
      this.#answers += 1;
    });
  }

  #fail(): void {
    if (this.#closing) return;
    clearTimeout(this.#limit);
    clearInterval(this.#watch);
    this.#setState("failed");
  }

  #setState(state: PeerState): void {
    if (state === this.#state || this.#closing || this.#state === "failed") return;
    this.#state = state;
    this.#options.onState(state);
  }
}
