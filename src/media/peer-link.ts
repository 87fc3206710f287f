import type {
  CandidatePair,
  RTCIceCandidateInit,
  RTCIceTransport,
  RTCPeerConnection,
  RTCPeerConnectionConfig,
} from "werift";
import { RemoteCandidates } from "./candidates.ts";
import type { PeerState } from "./peer.ts";
import { tidy } from "./sdp.ts";
import { Sockets } from "./sockets.ts";
import { checkConsent, iceConnectionOf, ignoreRepeatedHandshakes } from "./werift.ts";

/** Times in milliseconds. */
export interface LinkTimes {
  /**
   * The longest time from the descriptions to the connection, at first and after an ICE restart; then it has failed.
   */
  readonly connectTimeoutMs: number;
  /**
   * The time without anything received after which the other side is asked whether it is there, again and again; in
   * milliseconds.
   */
  readonly askAfterMs: number;
  /**
   * The time without anything received, not even an answer to that, after which the link is disconnected; in
   * milliseconds.
   */
  readonly silenceMs: number;
}
export const linkTimes: LinkTimes = { connectTimeoutMs: 15_000, askAfterMs: 1_000, silenceMs: 3_000 };

export interface LinkOptions {
  readonly werift: typeof import("werift");
  readonly config: RTCPeerConnectionConfig;
  readonly times: LinkTimes;
  readonly onCandidate: (candidate: string) => void;
  readonly onState: (state: PeerState) => void;
}

const watchEveryMs = 500;
/**
 * The number of questions that have to be unanswered before it counts: a thread that was busy has not heard the answers
 * yet.
 */
const fewestQuestions = 3;

/**
 * One peer connection, with all that werift leaves to its user: it starts its checks before its candidates are gathered, after
 * an ICE restart too, tries a relay that came late, keeps candidates until they are due, tells when nothing is received any
 * more, and holds no socket once it is closed.
 */
export class Link {
  readonly connection: RTCPeerConnection;
  readonly #options: LinkOptions;
  readonly #sockets = new Sockets();
  readonly #candidates: RemoteCandidates;
  /** ICE restarts of each that were begun, and thereby also which of them are prepared. */
  readonly #begun = new WeakMap<RTCIceTransport, number>();
  /** Candidates of ours whose description is yet to be returned. */
  #early: string[] | null = null;
  #releasing: NodeJS.Immediate | undefined;
  #state: PeerState = "new";
  #everConnected = false;
  #limit: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;
  #received = 0;
  /** The answers to what was asked beyond what werift asks. */
  #answers = 0;
  /** The number of questions since something was received last. */
  #questions = 0;
  #receivedAt = 0;
  #closing: Promise<void> | null = null;

  constructor(options: LinkOptions) {
    this.#options = options;
    const { RTCPeerConnection } = options.werift;
    this.connection = new RTCPeerConnection(options.config);
    this.#candidates = new RemoteCandidates((candidate) =>
      this.connection.addIceCandidate(candidate as RTCIceCandidateInit),
    );
    this.connection.onIceCandidate.subscribe((candidate) => {
      if (candidate === undefined || this.#closing) return;
      if (/ typ relay/.test(candidate.candidate)) this.#pairRelay();
      const json = JSON.stringify(candidate.toJSON());
      if (this.#early) this.#early.push(json);
      else options.onCandidate(json);
    });
    this.connection.connectionStateChange.subscribe((state) => {
      if (state === "connected" && !this.#restarting) this.#connected();
      if (state === "failed") this.#fail();
    });
  }

  /** Returns whether the link was ever connected. */
  get everConnected(): boolean {
    return this.#everConnected;
  }

  addCandidate(json: string): Promise<void> {
    return this.#closing ? Promise.resolve() : this.#candidates.take(json);
  }

  /** An offer of ours; the other side's answer is given to {@link accept}. */
  async offer(iceRestart: boolean): Promise<string> {
    const { connection } = this;
    const offer = await connection.createOffer({ iceRestart });
    this.#prepare();
    await connection.setLocalDescription(offer);
    return offer.sdp;
  }

  async accept(sdp: string): Promise<void> {
    await this.connection.setRemoteDescription({ type: "answer", sdp: tidy(sdp) });
    this.#begin();
    await this.#candidates.describe(sdp);
  }

  /** Answers the other side's offer. Where it cannot, what was before holds again. */
  async answer(sdp: string): Promise<string> {
    const { connection } = this;
    // werift takes any text for a description.
    if (!/^m=/m.test(sdp) || !/^a=ice-ufrag:/m.test(sdp))
      throw new Error("The offer describes no connection");
    try {
      await connection.setRemoteDescription({ type: "offer", sdp: tidy(sdp) });
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

  /** An ICE restart is under way: werift goes on to call itself connected. */
  get #restarting(): boolean {
    return (
      this.#everConnected && this.connection.iceTransports.some(({ connection }) => !connection.nominated)
    );
  }

  /**
   * Prepares our description before it is applied: werift waits in it until all candidates are gathered, and connects
   * only then.
   */
  #prepare(): void {
    this.#early ??= [];
    clearImmediate(this.#releasing);
    this.#releasing = setImmediate(() => this.#releaseCandidates());
    for (const transport of this.connection.iceTransports) {
      if (this.#begun.has(transport)) continue;
      this.#begun.set(transport, 0);
      const gather = transport.gather.bind(transport);
      transport.gather = async () => {
        void this.#sockets.during(gather).catch(() => {});
      };
      const secure = this.connection.dtlsTransports.find(({ iceTransport }) => iceTransport === transport);
      if (secure) ignoreRepeatedHandshakes(secure);
      // Where no server is given, werift asks one of Google's.
      const servers = this.#options.config.iceServers ?? [];
      if (!servers.some(({ urls }) => /^stun/i.test(String(urls)))) delete transport.connection.stunServer;
    }
  }

  #releaseCandidates(): void {
    const early = this.#early ?? [];
    this.#early = null;
    for (const candidate of early) this.#options.onCandidate(candidate);
  }

  /** Begins to connect, since both descriptions hold. */
  #begin(): void {
    if (this.#closing) return;
    if (this.#state === "new") this.#connecting();
    const { iceTransports, dtlsTransports } = this.connection;
    for (const transport of iceTransports) {
      const begun = this.#begun.get(transport) ?? 0;
      if (transport.iceRestarts === begun) continue;
      this.#begun.set(transport, transport.iceRestarts);
      this.#connecting();
      // werift connects what is not secured yet; an ICE restart of what is it leaves alone.
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
    this.#tell("connecting");
  }

  /**
   * werift pairs a relay only with candidates of the other side that come after it. Those that came before, as they do where the
   * relay is reached over TCP and takes longer than the answer, would never be tried through it.
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
    this.#watch ??= setInterval(() => this.#lookForLife(), watchEveryMs).unref();
    this.#tell("connected");
  }

  /**
   * werift asks every 5 s, and notices that nobody answers after 30 s. Where nothing comes that would tell as much, it is asked
   * sooner: a lost packet or two are no silence then, and real silence is known in 3 s.
   */
  #lookForLife(): void {
    const { askAfterMs, silenceMs } = this.#options.times;
    const received = this.connection.iceTransports.reduce(
      (sum, { connection }) => sum + receivedBy(connection.nominated),
      this.#answers,
    );
    const silentMs = performance.now() - this.#receivedAt;
    if (received !== this.#received) {
      this.#received = received;
      this.#receivedAt = performance.now();
      this.#questions = 0;
      if (this.#state !== "connected" && !this.#restarting) this.#connected();
      return;
    }
    if (silentMs >= silenceMs && this.#questions >= fewestQuestions && this.#state === "connected") {
      this.#tell("disconnected");
    }
    if (silentMs < askAfterMs) return;
    this.#questions += 1;
    checkConsent(this.connection, () => {
      this.#answers += 1;
    });
  }

  #fail(): void {
    if (this.#closing) return;
    clearTimeout(this.#limit);
    clearInterval(this.#watch);
    this.#tell("failed");
  }

  #tell(state: PeerState): void {
    if (state === this.#state || this.#closing || this.#state === "failed") return;
    this.#state = state;
    this.#options.onState(state);
  }
}

function receivedBy(pair: CandidatePair | undefined): number {
  return pair === undefined ? 0 : pair.packetsReceived + pair.requestsReceived + pair.responsesReceived;
}
