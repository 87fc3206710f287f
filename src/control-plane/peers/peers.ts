import type Koa from "koa";
import type { Logger } from "pino";
import { GreenroomError } from "../../errors.ts";
import type { PeerRequestKind } from "../../metrics/catalogue.ts";
import type { NodeInfo, PeerNode, SessionRegistry } from "../../registry/registry.ts";
import { errorLine } from "../../supervisor/log-error.ts";
import type { Supervisor } from "../../supervisor/supervisor.ts";
import { notesOf } from "../answer.ts";
import { type Hop, markHeader, PeerMarks } from "./mark.ts";
import { PeerClient, PeerError, type PeerRequest } from "./peer-client.ts";

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
    const read = typeof text === "string" ? this.#marks?.read(text, line, this.node.nodeId) : null;
    if (!read) throw new GreenroomError("FORBIDDEN", "This is not the mark of a peer");
    if (read.hop.host === null) delete headers.host;
    else headers.host = read.hop.host;
    const notes = notesOf(ctx);
    notes.hop = read.hop;
    ctx.set(markHeader, read.proof);
    return read.hop;
  }

  /** The others that can be asked. */
  reachable(): readonly PeerNode[] {
    return this.registry.peers().filter((peer) => this.canReach(peer));
  }

  canReach({ address }: NodeInfo): boolean {
    return this.#client !== null && address !== null;
  }

  /** The answer of a peer, counted. Rejects as {@link PeerClient.ask} does. */
  async ask(
    peer: PeerNode,
    request: Omit<PeerRequest, "hop">,
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
      const answer = await this.#client.ask(peer, { ...request, hop, signal });
      metrics.peerAnswered(from.kind, (performance.now() - startedAt) / 1_000);
      return answer;
    } catch (error) {
      if (error instanceof PeerError) {
        metrics.peerFailed(from.kind);
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

  #lives(nodeId: string): boolean {
    return this.registry.peers().some((peer) => peer.nodeId === nodeId);
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
