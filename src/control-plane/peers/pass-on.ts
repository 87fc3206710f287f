import type { IncomingMessage } from "node:http";
import type { ScopedSession } from "../../api/scope.ts";
import type { FoundSession, PeerNode, SessionRecord } from "../../registry/registry.ts";
import { GreenroomError } from "../../shared/errors.ts";
import { closeParameters, isYes } from "../documents/schemas.ts";
import { foreignEndJson } from "../documents/wire.ts";
import type { Endpoint } from "../endpoint.ts";
import type { Exchange } from "../exchange.ts";
import { DetailedError } from "../http/error-answer.ts";
import { notesOf } from "../http/request-notes.ts";
import { relaySocket } from "../sockets/relay-socket.ts";
import { isUpgrade } from "../sockets/serve-upgrades.ts";
import { epochHeader, unknownHeader } from "./connection/mark.ts";
import { PeerError } from "./connection/peer-error.ts";
import { mountOf, type PassedOn, passedOn } from "./passed-on.ts";
import { letGoOfBody, type RelayEnd, relay } from "./relay.ts";

/** The time between two looks whether the owner of a stream is still there, in milliseconds. */
const ownerCheckMs = 1_000;

/** The form of session ids: for other ids neither the registry nor a peer need be asked. */
const sessionId = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/**
 * The outcome of a request that was passed on. `epoch`: the peer has no such session, and this is the number of its
 * node's life.
 */
type Passed = "answered" | "unanswered" | { readonly epoch: number };

/**
 * Answers a request about a session of another replica. The request is passed on to the owner, which judges it; where
 * the owner is out of reach, the registry's record is the answer. Where the registry does not know the session the
 * peers are asked for it, since a registry may have been emptied, or be behind. Resolves with false where there is no
 * such session, or it is in this process. Rejects with PEER_UNREACHABLE or REGISTRY_UNAVAILABLE where nobody knows.
 */
export async function answeredElsewhere(exchange: Exchange, endpoint: Endpoint): Promise<boolean> {
  const { ctx, plane, params, hop } = exchange;
  const { session_id: id } = params;
  if (id === undefined || !sessionId.test(id)) return false;
  const readsBody = endpoint.readsBody ?? endpoint.documentation?.body !== undefined;
  if (exchange.successor !== null) {
    if (isBySuccessor(exchange, id, exchange.successor)) return false;
    return new Passing(exchange, id, readsBody).isAnsweredBy(exchange.successor);
  }
  const here = plane.supervisor.getSession(id);
  if (here?.changeOfHands.underWay) await here.changeOfHands.over();
  if (plane.supervisor.getSession(id)) return false;
  if (!plane.peers.registry.shared) return answeredByEarlierEnd(exchange, id);
  if (hop) {
    ctx.set(unknownHeader, "true");
    return false;
  }
  notesOf(ctx).sessionId = id;
  const passing = new Passing(exchange, id, readsBody);
  if (await passing.isAnswered()) return true;
  notesOf(ctx).sessionId = undefined;
  return false;
}

/** Returns whether this process answers for a session that it is about to take over, or has taken over since. */
function isBySuccessor(exchange: Exchange, id: string, successor: string): boolean {
  const { supervisor } = exchange.plane;
  if (successor !== supervisor.node.nodeId) return false;
  exchange.prepared = supervisor.arrivals.prepared(id);
  return exchange.prepared !== undefined || supervisor.getSession(id) !== undefined;
}

/** Answers for a session of the process before this one, whose end was kept on disk. Resolves with false where there is none. */
async function answeredByEarlierEnd(exchange: Exchange, id: string): Promise<boolean> {
  const record = await exchange.plane.peers.registry.find(id);
  if (!record?.end) return false;
  notesOf(exchange.ctx).sessionId = id;
  letGoOfBody(exchange.ctx);
  return answerByRecord(exchange, record);
}

/** A request on its way to the replica that answers it. */
class Passing {
  readonly #exchange: Exchange;
  readonly #id: string;
  readonly #readsBody: boolean;
  #passedOn: Promise<PassedOn> | undefined;

  constructor(exchange: Exchange, id: string, readsBody: boolean) {
    this.#exchange = exchange;
    this.#id = id;
    this.#readsBody = readsBody;
  }

  /** Answers the request. Resolves with false where there is no such session. */
  async isAnswered(): Promise<boolean> {
    const { registry } = this.#exchange.plane.peers;
    let record: FoundSession | null;
    try {
      record = await registry.find(this.#id);
    } catch (error) {
      if ((await this.#byWhoHasIt()) === true) return true;
      letGoOfBody(this.#exchange.ctx);
      throw error;
    }
    return record ? this.#byOwner(record) : this.#byWhoHasItSurely();
  }

  /** Has the replica of this name answer, which is about to take over the session. Rejects with NOT_IN_CALL where it is not. */
  async isAnsweredBy(nodeId: string): Promise<true> {
    const { ctx, plane, hop } = this.#exchange;
    const peer = hop ? undefined : plane.peers.known().find((one) => one.nodeId === nodeId);
    if (peer && plane.peers.canReach(peer) && (await this.#to(peer)) === "answered") return true;
    letGoOfBody(ctx);
    throw new GreenroomError("NOT_IN_CALL");
  }

  async #byOwner(record: FoundSession): Promise<boolean> {
    const { plane } = this.#exchange;
    const owner = ownerOf(this.#exchange, record);
    const passed = owner ? await this.#to(owner) : "unanswered";
    if (passed === "answered") return true;
    if (typeof passed === "object" && record.end === null) {
      // The registry is wrong: the session is in another replica, is over and forgotten, or ended with an
      // earlier life of its owner.
      if (await this.#byWhoHasItSurely()) return true;
      if (passed.epoch === record.epoch) return false;
    }
    // The session may have ended, or been given up, while its owner was waited for.
    const known = owner ? await plane.peers.registry.find(this.#id) : record;
    return this.#byRecord(known ?? record);
  }

  async #byRecord(record: SessionRecord): Promise<boolean> {
    try {
      return await answerByRecord(this.#exchange, record);
    } catch (error) {
      // A caller who may not view the session must get the same answer as for an unknown one, which takes the
      // answers of all peers.
      if (isUnseen(error) && (await this.#byWhoHasItSurely())) return true;
      letGoOfBody(this.#exchange.ctx);
      throw error;
    }
  }

  /**
   * Does the same as {@link #byWhoHasIt}, but rejects with PEER_UNREACHABLE where a peer may have the session, as far
   * as the caller may know.
   */
  async #byWhoHasItSurely(): Promise<boolean> {
    const answered = await this.#byWhoHasIt();
    if (answered !== "uncertain") return answered;
    letGoOfBody(this.#exchange.ctx);
    await this.#exchange.judgeUnknown(this.#id);
    throw new GreenroomError("PEER_UNREACHABLE", undefined, {
      cause: new Error("Not every replica said whether it has this session"),
    });
  }

  /**
   * Has the peer answer that has the session. Resolves with false where no peer has it, with "uncertain" where only
   * some could be asked.
   */
  async #byWhoHasIt(): Promise<boolean | "uncertain"> {
    const located = await this.#exchange.plane.locator.locate(this.#exchange, this.#id);
    if (located === "nowhere") return false;
    // The peer had the session a moment ago, and does not answer.
    return located !== "uncertain" && (await this.#to(located)) === "answered" ? true : "uncertain";
  }

  async #to(owner: PeerNode): Promise<Passed> {
    const { ctx, plane, scope } = this.#exchange;
    const notes = notesOf(ctx);
    const left = new AbortController();
    const leave = () => left.abort();
    ctx.res.once("close", leave);
    if (ctx.res.destroyed) leave();
    try {
      this.#passedOn ??= passedOn(ctx, notes.id, this.#readsBody);
      const answer = await plane.peers.ask(
        owner,
        {
          method: ctx.req.method ?? ctx.method,
          target: ctx.originalUrl,
          mount: mountOf(ctx),
          ...(await this.#passedOn),
          upgrade: isUpgrade(ctx.req),
          answerTimeoutMs: waitsForTheEnd(this.#exchange) ? null : plane.peerTimeouts.answerMs,
          signal: left.signal,
        },
        { kind: "proxied", ip: scope.ip, host: ctx.req.headers.host ?? null },
      );
      if (answer.headers[unknownHeader.toLowerCase()] !== undefined) {
        answer.resume();
        return { epoch: Number(answer.headers[epochHeader.toLowerCase()]) };
      }
      notes.proxiedTo = owner.nodeId;
      const end = await this.#relay(answer, owner);
      if (end === "lost") notes.code = "PEER_UNREACHABLE";
      return "answered";
    } catch (error) {
      // The client has left.
      if (left.signal.aborted) return "answered";
      if (error instanceof PeerError) return "unanswered";
      throw error;
    } finally {
      ctx.res.off("close", leave);
    }
  }

  /**
   * Passes the owner's answer on to the client. A stream ends, too, when its owner, which may stand still, is declared
   * dead.
   */
  async #relay(answer: IncomingMessage, owner: PeerNode): Promise<RelayEnd> {
    const { ctx, plane } = this.#exchange;
    const dead = new AbortController();
    let wasThere = false;
    const watch = setInterval(() => {
      const isThere = plane.peers.known().some(({ nodeId }) => nodeId === owner.nodeId);
      wasThere ||= isThere;
      if (wasThere && !isThere) dead.abort();
    }, ownerCheckMs).unref();
    const over = AbortSignal.any([plane.supervisor.sessionsEnded, dead.signal]);
    try {
      if (answer.statusCode !== 101) return await relay(ctx, answer, over);
      await relaySocket(ctx, answer, over, plane.supervisor.metrics);
      return "whole";
    } finally {
      clearInterval(watch);
    }
  }
}

/** Returns whether the caller may not even know that there is such a session. */
function isUnseen(error: unknown): boolean {
  return GreenroomError.is(error) && error.code === "SESSION_NOT_FOUND" && !(error instanceof DetailedError);
}

/**
 * Returns the owner of a session; null where it is out of reach. A later life of its node may be the same process,
 * which registered anew.
 */
function ownerOf({ plane: { peers } }: Exchange, { owner, nodeId, end }: FoundSession): PeerNode | null {
  let candidate = owner;
  if (end === null) candidate ??= peers.known().find((peer) => peer.nodeId === nodeId) ?? null;
  if (end?.reason === "lost")
    candidate ??= peers.registry.peers().find((peer) => peer.nodeId === nodeId) ?? null;
  if (candidate && peers.canReach(candidate)) return candidate;
  if (candidate) peers.cannotAsk("proxied");
  return null;
}

/** Returns whether the request is answered only when the session has ended, as `?wait=true` asks. */
function waitsForTheEnd({ ctx, query }: Exchange): boolean {
  if (ctx.method !== "DELETE" && ctx.method !== "POST") return false;
  const { data } = closeParameters.safeParse(query);
  return isYes(data?.wait);
}

/** Answers with the registry's record, for callers whom the owner would answer; for all others there is no such session. */
async function answerByRecord(exchange: Exchange, record: SessionRecord): Promise<never> {
  await exchange.judgeForeign(foreignSession(record));
  if (record.end && !(await exchange.mayView()))
    throw new GreenroomError("SESSION_NOT_FOUND", record.sessionId);
  if (record.end)
    throw new DetailedError("SESSION_NOT_FOUND", record.sessionId, foreignEndJson(record, record.end));
  throw new GreenroomError("PEER_UNREACHABLE");
}

/**
 * Returns a session of a replica that cannot be asked, as far as the registry knows it: without its `config`, and
 * without its state.
 */
function foreignSession(record: SessionRecord): ScopedSession {
  const { sessionId: id, callId, callType, createdBy, startedAt, end } = record;
  return {
    id: id as ScopedSession["id"],
    callId,
    callType,
    config: {},
    createdBy,
    startedAt,
    state: end ? "ended" : "live",
    endReason: end?.reason ?? null,
    endedAt: end?.endedAt ?? null,
  };
}
