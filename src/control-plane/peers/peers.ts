import type Koa from "koa";
import type { Logger } from "pino";
import { GreenroomError } from "../../errors.ts";
import type { PeerRequestKind } from "../../metrics/catalogue.ts";
import type { NodeInfo, PeerNode, SessionRegistry } from "../../registry/registry.ts";
import { errorLine } from "../../supervisor/log-error.ts";
import type { Supervisor } from "../../supervisor/supervisor.ts";
import { notesOf } from "../answer.ts";
import { type Hop, markHeader, nodeHeader, PeerMarks } from "./mark.ts";
import { PeerClient, PeerError, type PeerRequest } from "./peer-client.ts";

/** How long a peer may be silent before it is taken for one that stands still, in milliseconds. */
const signTimeoutMs = 2_000;
/** The same for one that was silent when it was last asked. */
const suspectTimeoutMs = 500;
/** How often it is looked whether a peer that is waited for still lives, in milliseconds. */
const goneCheckMs = 1_000;

/** The other replicas: which there are, what is asked of them, and what they pass on to this one. */
export class Peers {
  readonly node: NodeInfo;
  readonly registry: SessionRegistry;
  readonly #supervisor: Supervisor;
  readonly #log: Logger;
  readonly #marks: PeerMarks | null;
  readonly #client: PeerClient | null;
  /** Node ids of those that let a deadline pass, and have not answered since. */
  readonly #suspects = new Set<string>();

  /** `secrets`: none, and nothing is passed on, nor taken from others. */
  constructor(supervisor: Supervisor, secrets: readonly string[], log: Logger) {
    this.#supervisor = supervisor;
    this.node = supervisor.node;
    this.registry = supervisor.registry;
    this.#log = log;
    const [first, ...others] = secrets;
    this.#marks = first === undefined ? null : new PeerMarks([first, ...others]);
    this.#client = this.#marks && new PeerClient(this.#marks);
    if (this.registry.shared) this.#tellWhatIsMissing();
    else this.#tellWhatIsUseless();
  }

  /**
   * Takes the mark off a request that a peer passed on, and gives it back the Host that the client asked for. Null: it
   * comes from a client. Throws FORBIDDEN for a mark that is not right: whoever sends it wants to be taken for a peer.
   */
  arrival(ctx: Koa.Context): Hop | null {
    const { headers } = ctx.req;
    const text = headers[markHeader.toLowerCase()];
    if (text === undefined) return null;
    delete headers[markHeader.toLowerCase()];
    const line = { method: ctx.req.method ?? "", target: ctx.originalUrl };
    const read = typeof text === "string" ? this.#marks?.read(text, line) : null;
    if (!read) throw new GreenroomError("FORBIDDEN", "This is not the mark of a peer");
    if (read.hop.to !== this.node.nodeId) {
      // Its peer has the wrong address of another one.
      ctx.set(markHeader, read.proof);
      ctx.set(nodeHeader, this.node.nodeId);
      throw new GreenroomError("MISDIRECTED");
    }
    if (read.hop.host === null) delete headers.host;
    else headers.host = read.hop.host;
    notesOf(ctx).hop = read.hop;
    ctx.set(markHeader, read.proof);
    // The sign of life that the peer waits for.
    ctx.res.writeProcessing();
    return read.hop;
  }

  /** The others that can be asked. */
  reachable(): readonly PeerNode[] {
    return this.registry.peers().filter((peer) => this.canReach(peer));
  }

  canReach({ address }: NodeInfo): boolean {
    return this.#client !== null && address !== null;
  }

  /** It was silent when it was last asked. */
  isSuspect({ nodeId }: NodeInfo): boolean {
    return this.#suspects.has(nodeId);
  }

  /** A peer would have to be asked, and cannot be: there is no secret here, or no address of it. */
  cannotAsk(kind: PeerRequestKind): void {
    this.#supervisor.metrics.peerFailed(kind);
  }

  /** The answer of a peer, counted. Rejects as {@link PeerClient.ask} does. */
  async ask(
    peer: PeerNode,
    request: Omit<PeerRequest, "hop" | "signTimeoutMs"> & { readonly signTimeoutMs?: number },
    from: { readonly kind: PeerRequestKind; readonly ip: string; readonly host: string | null },
  ): ReturnType<PeerClient["ask"]> {
    if (!this.#client) throw new PeerError("There is no peerSecret", true);
    const { metrics } = this.#supervisor;
    const hop = { ...from, from: this.node.nodeId, to: peer.nodeId };
    const startedAt = performance.now();
    const gone = new AbortController();
    // One that has just begun is known to its sessions' records before it is a peer.
    let known = this.#lives(peer.nodeId);
    const watch = setInterval(() => {
      const lives = this.#lives(peer.nodeId);
      known ||= lives;
      if (known && !lives) gone.abort(new PeerError("It was declared dead while it was waited for", false));
    }, goneCheckMs).unref();
    try {
      const signal = AbortSignal.any([request.signal, gone.signal]);
      const patienceMs = this.isSuspect(peer) ? suspectTimeoutMs : (request.signTimeoutMs ?? signTimeoutMs);
      const answer = await this.#client.ask(peer, { ...request, signTimeoutMs: patienceMs, hop, signal });
      this.#suspects.delete(peer.nodeId);
      metrics.peerAnswered(from.kind, (performance.now() - startedAt) / 1_000);
      return answer;
    } catch (error) {
      if (error instanceof PeerError) {
        metrics.peerFailed(from.kind);
        if (error.late) this.#suspect(peer.nodeId);
        this.#log.warn(
          { peer: peer.nodeId, address: peer.address, cause: errorLine(error) },
          "a peer did not answer",
        );
      }
      throw error;
    } finally {
      clearInterval(watch);
    }
  }

  #suspect(nodeId: string): void {
    for (const known of this.#suspects) if (!this.#lives(known)) this.#suspects.delete(known);
    this.#suspects.add(nodeId);
  }

  #lives(nodeId: string): boolean {
    return this.registry.peers().some((peer) => peer.nodeId === nodeId);
  }

  #tellWhatIsUseless(): void {
    const useless = [
      ...(this.#client ? ["GREENROOM_PEER_SECRET (peerSecret)"] : []),
      ...(this.node.address === null ? [] : ["--advertised-address (GREENROOM_ADVERTISED_ADDRESS)"]),
    ];
    if (useless.length === 0) return;
    this.#log.warn(
      `There is no Redis that replicas share (REDIS_URL): this one serves alone, and ${useless.join(" and ")} ${useless.length > 1 ? "have" : "has"} no effect`,
    );
  }

  #tellWhatIsMissing(): void {
    if (!this.#client) {
      this.#log.warn(
        "There is no peerSecret (GREENROOM_PEER_SECRET): requests about sessions of other replicas cannot be passed on to them",
      );
    } else if (this.node.address === null) {
      this.#log.warn(
        "There is no advertisedAddress (GREENROOM_ADVERTISED_ADDRESS): other replicas cannot pass requests on to this one",
      );
    }
  }
}
