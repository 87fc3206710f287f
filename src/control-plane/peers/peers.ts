import type { IncomingMessage } from "node:http";
import type Koa from "koa";
import type { ServerLog } from "../../log/log.ts";
import type { PeerRequestKind } from "../../metrics/labels.ts";
import type { Liveness, NodeInfo, PeerNode, SessionRegistry } from "../../registry/registry.ts";
import { GreenroomError } from "../../shared/errors.ts";
import { errorLine } from "../../supervisor/log-error.ts";
import type { Supervisor } from "../../supervisor/supervisor.ts";
import { notesOf } from "../http/request-notes.ts";
import {
  epochHeader,
  type Hop,
  markHeader,
  nodeHeader,
  PeerMarks,
  type ReadGreeting,
} from "./connection/mark.ts";
import { PeerClient, type PeerQuestion, type QuestionOrigin } from "./connection/peer-client.ts";
import { PeerError } from "./connection/peer-error.ts";
import { Tickets } from "./connection/tickets.ts";
import { entrust } from "./entrust.ts";
import { successorsBy } from "./hand-over.ts";
import { KnownPeers } from "./known-peers.ts";
import { livenessTimeoutMs, type PeerLife, peerLifeOf, statusOf } from "./liveness.ts";
import { toldMount } from "./passed-on.ts";

/** The time for which a peer may be silent before it is taken to stand still, in milliseconds. */
const signTimeoutMs = 2_000;
/** The time for which a peer may be silent that was silent when it was last asked, in milliseconds. */
const silentTimeoutMs = 500;
/** The name in the query of a question by which a peer says which of its lives it asks about. */
const epochQuery = "epoch";
/** The time between two checks whether a peer that is waited for still lives, in milliseconds. */
const goneCheckMs = 1_000;

/** The other replicas: the list of them, the requests to them, and the requests that they pass on to this one. */
export class Peers {
  readonly node: NodeInfo;
  readonly registry: SessionRegistry;
  readonly #supervisor: Supervisor;
  readonly #log: ServerLog;
  readonly #marks: PeerMarks | null;
  readonly #client: PeerClient | null;
  readonly #tickets = new Tickets();
  readonly #known: KnownPeers;
  /** The node ids of the replicas that let a deadline pass, and have not answered since. */
  readonly #silent = new Set<string>();
  /** The path under which the API was mounted for the last request that showed it. */
  #mount = "";

  /** Takes the secrets. Where there are none, no request is passed on, and none is taken from others. */
  constructor(supervisor: Supervisor, secrets: readonly string[], log: ServerLog) {
    this.#supervisor = supervisor;
    this.node = supervisor.node;
    this.registry = supervisor.registry;
    this.#log = log;
    const [first, ...others] = secrets;
    this.#marks = first === undefined ? null : new PeerMarks([first, ...others]);
    this.#client = this.#marks && new PeerClient(this.#marks);
    this.#known = new KnownPeers(this.registry, (peer) => this.#peerLife(peer), supervisor.sessionsEnded);
    supervisor.peers = {
      liveness: (peer) => this.liveness(peer),
      declaredDead: (peer, epoch) => this.#declaredDead(peer, epoch),
      entrust: (session) => entrust(this, this.#mount, session),
      ...successorsBy(this, () => this.#mount),
    };
    if (this.registry.shared) this.#tellWhatIsMissing();
    else this.#tellWhatIsUseless();
  }

  /**
   * Removes the mark from a request that a peer passed on, and restores the Host that the client asked for. Returns
   * null where it comes from a client, and "answered" where a peer greeted, or asked a question that needs no sessions.
   * Throws FORBIDDEN for a mark that is wrong or was used before: its sender pretends to be a peer.
   */
  arrival(ctx: Koa.Context): Hop | "answered" | null {
    this.#mount = toldMount(ctx) ?? this.#mount;
    const { headers } = ctx.req;
    const text = headers[markHeader.toLowerCase()];
    if (text === undefined) return null;
    delete headers[markHeader.toLowerCase()];
    const marks = this.#marks;
    if (marks === null || typeof text !== "string") throw notAPeer();
    const greeting = marks.readGreeting(text);
    if (greeting) return this.#greet(ctx, greeting);
    const read = marks.read(text, { method: ctx.req.method ?? "", target: ctx.originalUrl });
    if (!read || !this.#tickets.take(read)) throw notAPeer();
    if (read.hop.to !== this.node.nodeId) {
      ctx.set(markHeader, read.proof);
      this.#misdirected(ctx);
    }
    if (read.hop.host === null) delete headers.host;
    else headers.host = read.hop.host;
    const notes = notesOf(ctx);
    notes.hop = read.hop;
    notes.bodyHash = read.bodyHash;
    ctx.set(markHeader, read.proof);
    ctx.set(epochHeader, String(this.registry.epoch));
    if (read.hop.kind === "asked") {
      notes.quiet = true;
      notes.route = "liveness";
      ctx.status = 204;
      return "answered";
    }
    if (read.hop.kind === "fenced") {
      notes.quiet = true;
      notes.route = "fence";
      ctx.status = this.registry.isDeclaredDead(read.hop.from, Number(ctx.query[epochQuery])) ? 410 : 204;
      return "answered";
    }
    // This is the sign of life that the peer waits for.
    ctx.res.writeProcessing();
    return read.hop;
  }

  /** Answers a greeting. The peer's requests follow on the same connection, also while this process shuts down. */
  #greet(ctx: Koa.Context, greeting: ReadGreeting): "answered" {
    notesOf(ctx).quiet = true;
    notesOf(ctx).route = "greeting";
    ctx.set("Connection", "keep-alive");
    ctx.set(markHeader, greeting.answer(this.#tickets.give()));
    if (greeting.to !== this.node.nodeId) this.#misdirected(ctx);
    ctx.status = 204;
    return "answered";
  }

  /** Refuses a request of a peer that has a wrong address for another replica. Throws MISDIRECTED. */
  #misdirected(ctx: Koa.Context): never {
    ctx.set(nodeHeader, this.node.nodeId);
    throw new GreenroomError("MISDIRECTED");
  }

  /** Returns the other replicas: those that the registry lists, and those that it listed before and that are still there. */
  known(): readonly PeerNode[] {
    return this.#known.all();
  }

  /** Returns whether there may be others that are not known yet. */
  get mayBeMistaken(): boolean {
    return this.#known.mayBeMistaken;
  }

  /**
   * Notes that nobody listens at the address of this replica. Returns true where it is not listed either, so that it is
   * gone.
   */
  refused(peer: PeerNode): boolean {
    return this.#known.refused(peer);
  }

  /** Returns the replicas that are listed and can be asked. */
  reachable(): readonly PeerNode[] {
    return this.registry.peers().filter((peer) => this.canReach(peer));
  }

  canReach({ address }: NodeInfo): boolean {
    return this.#client !== null && address !== null;
  }

  /** Returns whether a peer was silent when it was last asked. */
  wasSilent({ nodeId }: NodeInfo): boolean {
    return this.#silent.has(nodeId);
  }

  /** Counts a peer that would have to be asked, and cannot be: there is no secret here, or no address of it. */
  cannotAsk(kind: PeerRequestKind): void {
    this.#supervisor.metrics.peerFailed(kind);
  }

  /**
   * Asks a peer once, at the address that it advertises, whether its life goes on. Resolves within 1,000 ms, and never
   * rejects.
   */
  async liveness(peer: PeerNode): Promise<Liveness> {
    const presence = await this.#peerLife(peer);
    if (typeof presence === "string") return this.canReach(peer) ? presence : "unasked";
    return presence.epoch === peer.epoch ? "alive" : "gone";
  }

  async #peerLife(peer: PeerNode): Promise<PeerLife> {
    if (!this.canReach(peer)) {
      this.cannotAsk("asked");
      return "gone";
    }
    return peerLifeOf((signal) => this.#inquire(peer, "asked", "", signal));
  }

  /**
   * Asks a peer whether it knows that this life of this process was declared dead. Resolves within 1,000 ms, with null
   * where it does not say, and never rejects.
   */
  async #declaredDead(peer: PeerNode, epoch: number): Promise<boolean | null> {
    if (!this.canReach(peer)) return null;
    const question = `?${epochQuery}=${epoch}`;
    const status = await statusOf((signal) => this.#inquire(peer, "fenced", question, signal));
    return status === 410 ? true : status === 204 ? false : null;
  }

  /** Asks a peer a question that it answers at once, without its sessions. */
  #inquire(
    peer: PeerNode,
    kind: "asked" | "fenced",
    query: string,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const request = {
      method: "HEAD",
      target: `${this.#mount}/health${query}`,
      mount: this.#mount,
      headers: [],
      body: null,
      signTimeoutMs: livenessTimeoutMs,
      answerTimeoutMs: livenessTimeoutMs,
      signal,
    };
    return this.ask(peer, request, { kind, ip: "", host: null });
  }

  /** Asks a peer, and counts it. Resolves with its answer. Rejects as {@link PeerClient.ask} does. */
  async ask(peer: PeerNode, request: PeerQuestion, from: QuestionOrigin): ReturnType<PeerClient["ask"]> {
    if (!this.#client) throw new PeerError("There is no peerSecret", true);
    const { metrics } = this.#supervisor;
    const isInquiry = from.kind === "asked" || from.kind === "fenced";
    const hop = { ...from, from: this.node.nodeId, to: peer.nodeId };
    const startedAt = performance.now();
    const gone = new AbortController();
    // The record of a session may name a replica that has just begun and is not listed as a peer yet.
    let known = this.#lives(peer.nodeId);
    // An unlisted peer may be gone, so its silence is not reported as a fault.
    const isDoubtful = isInquiry || this.#known.isUnlisted(peer.nodeId);
    const watch = setInterval(() => {
      const lives = this.#lives(peer.nodeId);
      known ||= lives;
      // A peer that is declared dead may still be asked whether it is there.
      if (known && !lives && !isInquiry)
        gone.abort(new PeerError("It was declared dead while it was waited for", false));
    }, goneCheckMs).unref();
    try {
      const signal = AbortSignal.any([request.signal, gone.signal]);
      const isHurried = this.wasSilent(peer) && !isInquiry;
      const patienceMs = isHurried ? silentTimeoutMs : (request.signTimeoutMs ?? signTimeoutMs);
      const answer = await this.#client.ask(peer, { ...request, signTimeoutMs: patienceMs, hop, signal });
      this.#silent.delete(peer.nodeId);
      metrics.peerAnswered(from.kind, (performance.now() - startedAt) / 1_000);
      return answer;
    } catch (error) {
      if (error instanceof PeerError) {
        if (isInquiry || !isDoubtful) metrics.peerFailed(from.kind);
        if (error.late) this.#noteSilent(peer.nodeId);
        this.#log[isDoubtful ? "debug" : "warn"](
          { event: "peer_silent", peer: peer.nodeId, address: peer.address, cause: errorLine(error) },
          "A peer did not answer",
        );
      }
      throw error;
    } finally {
      clearInterval(watch);
    }
  }

  #noteSilent(nodeId: string): void {
    for (const known of this.#silent) if (!this.#lives(known)) this.#silent.delete(known);
    this.#silent.add(nodeId);
  }

  #lives(nodeId: string): boolean {
    return this.#known.all().some((peer) => peer.nodeId === nodeId);
  }

  #tellWhatIsUseless(): void {
    const useless = [
      ...(this.#client ? ["GREENROOM_PEER_SECRET (peerSecret)"] : []),
      ...(this.node.address === null ? [] : ["--advertised-address (GREENROOM_ADVERTISED_ADDRESS)"]),
    ];
    if (useless.length === 0) return;
    this.#log.warn(
      { event: "fleet_settings_useless" },
      `There is no Redis that replicas share (REDIS_URL): this one serves alone, and ${useless.join(" and ")} ${useless.length > 1 ? "have" : "has"} no effect`,
    );
  }

  #tellWhatIsMissing(): void {
    if (!this.#client) {
      this.#log.warn(
        { event: "peer_secret_missing" },
        "There is no peerSecret (GREENROOM_PEER_SECRET): requests about sessions of other replicas cannot be passed on to them",
      );
    } else if (this.node.address === null) {
      this.#log.warn(
        { event: "peer_address_missing" },
        "There is no advertisedAddress (GREENROOM_ADVERTISED_ADDRESS): other replicas cannot pass requests on to this one",
      );
    }
  }
}

const notAPeer = (): GreenroomError => new GreenroomError("FORBIDDEN", "This is not the mark of a peer");
