import type Koa from "koa";
import type { PeerNode } from "../../registry/registry.ts";
import { GreenroomError } from "../../shared/errors.ts";
import { notesOf } from "../http/request-notes.ts";
import { PeerError } from "./connection/peer-error.ts";
import { mountOf } from "./passed-on.ts";
import type { Peers } from "./peers.ts";

/**
 * The longest time that a peer may take to say whether it has a session, in milliseconds: it looks into its own memory.
 */
const locateTimeoutMs = 1_500;
/** The time for which it is remembered that no peer has a session, in milliseconds. */
const nowhereKeptMs = 1_000;
/** The most sessions of which that is remembered; the oldest go first. */
const mostNowhere = 10_000;
/** The most sessions that are looked for at the same time. */
const mostAtOnce = 64;

/**
 * The place of a session that the registry does not know. "nowhere": all peers that can be asked said that they do not
 * have it. "uncertain": no peer that answered has it, and there are others.
 */
export type Located = PeerNode | "nowhere" | "uncertain";

/** The request of a client that needs the session. */
interface LocatingRequest {
  readonly ctx: Koa.Context;
  readonly scope: { readonly ip: string };
}

/** The session that a peer is asked for, and the request in the course of which it is asked. */
interface Search {
  readonly sessionId: string;
  readonly mount: string;
  readonly requestId: string;
  readonly ip: string;
  readonly host: string | null;
}

/**
 * Finds sessions by asking all peers whether they have them, or had them within the last 10 minutes. Requests for the
 * same session at the same time share one search, and a session that was not found is not looked for again within a
 * second, so that a flood of requests does not reach the peers.
 */
export class SessionLocator {
  readonly #peers: Peers;
  readonly #underWay = new Map<string, Promise<Located>>();
  /** The time at which each session was searched without success, the oldest first. */
  readonly #nowhere = new Map<string, number>();

  constructor(peers: Peers) {
    this.#peers = peers;
  }

  /** Finds the replica that has a session. Rejects with PEER_UNREACHABLE where too many others are being looked for. */
  async locate({ ctx, scope }: LocatingRequest, sessionId: string): Promise<Located> {
    if (performance.now() - (this.#nowhere.get(sessionId) ?? Number.NEGATIVE_INFINITY) < nowhereKeptMs)
      return "nowhere";
    const known = this.#underWay.get(sessionId);
    if (known) return known;
    if (this.#underWay.size >= mostAtOnce) {
      const cause = new Error(`${mostAtOnce} other sessions are being looked for`);
      throw new GreenroomError("PEER_UNREACHABLE", undefined, { cause });
    }
    const host = ctx.req.headers.host ?? null;
    const search = { sessionId, mount: mountOf(ctx), requestId: notesOf(ctx).id, ip: scope.ip, host };
    const located = this.#search(search).finally(() => this.#underWay.delete(sessionId));
    this.#underWay.set(sessionId, located);
    return located;
  }

  async #search(search: Search): Promise<Located> {
    const asked = this.#peers.known().filter((peer) => this.#peers.canReach(peer));
    const enough = new AbortController();
    let missing = this.#peers.mayBeMistaken;
    const answers = asked.map(async (peer) => {
      try {
        if (await this.#has(peer, search, enough.signal)) return peer;
      } catch (error) {
        missing ||= !(error instanceof PeerError && error.refused && this.#peers.refused(peer));
      }
      throw new Error("It has no such session, or did not say");
    });
    const owner = await Promise.any(answers).catch(() => null);
    enough.abort();
    if (owner) return owner;
    if (missing) return "uncertain";
    if (asked.length > 0) this.#remember(search.sessionId);
    return "nowhere";
  }

  async #has(peer: PeerNode, search: Search, signal: AbortSignal): Promise<boolean> {
    const { sessionId, mount, requestId, ip, host } = search;
    const answer = await this.#peers.ask(
      peer,
      {
        method: "HEAD",
        target: `${mount}/sessions/${sessionId}`,
        mount,
        headers: ["X-Request-Id", requestId],
        body: null,
        signTimeoutMs: locateTimeoutMs,
        answerTimeoutMs: locateTimeoutMs,
        signal,
      },
      { kind: "located", ip, host },
    );
    answer.resume();
    const { statusCode: status } = answer;
    if (status !== 204 && status !== 404) throw new PeerError(`It answered ${status}`, true);
    return status === 204;
  }

  #remember(sessionId: string): void {
    this.#nowhere.delete(sessionId);
    this.#nowhere.set(sessionId, performance.now());
    const [oldest] = this.#nowhere.keys();
    if (this.#nowhere.size > mostNowhere && oldest !== undefined) this.#nowhere.delete(oldest);
  }
}
