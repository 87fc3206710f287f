import { GreenroomError } from "../../errors.ts";
import type { FoundSession, PeerNode, SessionRecord } from "../../registry/registry.ts";
import { notesOf } from "../answer.ts";
import type { Endpoint } from "../endpoint.ts";
import { DetailedError } from "../error-answer.ts";
import type { Exchange } from "../exchange.ts";
import { closeParameters, isYes } from "../schemas.ts";
import { foreignEndJson } from "../wire.ts";
import { foreignSession } from "./foreign-session.ts";
import { whoHas } from "./locate.ts";
import { mountOf, passedOn } from "./passed-on.ts";
import { PeerError } from "./peer-error.ts";
import { letGoOfBody, relay } from "./relay.ts";

/** Sessions have such ids: for others the registry need not be asked. */
const sessionId = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/**
 * Answers a request about a session of another replica: by its owner, to whom the request is passed on as it came, and who
 * judges it; or, where the owner is out of reach, by what the registry knows. False: it is for this replica to answer.
 */
export async function answeredElsewhere(exchange: Exchange, endpoint: Endpoint): Promise<boolean> {
  const { plane, params, hop } = exchange;
  const { session_id: id } = params;
  if (id === undefined || hop || !plane.peers.registry.shared || !sessionId.test(id)) return false;
  if (plane.supervisor.getSession(id)) return false;
  notesOf(exchange.ctx).sessionId = id;
  const readsBody = endpoint.documentation?.body !== undefined;
  const record = await found(exchange, id, readsBody);
  if (record === "passed on") return true;
  if (!record) {
    notesOf(exchange.ctx).sessionId = undefined;
    return false;
  }
  const owner = ownerOf(exchange, record);
  if (owner && (await passOn(exchange, owner, readsBody))) return true;
  letGoOfBody(exchange.ctx);
  // It may have ended, or been given up, while its owner was waited for.
  const known = owner ? await plane.peers.registry.find(id) : record;
  return answerByRecord(exchange, known ?? record);
}

/**
 * What the registry knows. Where it cannot be reached, the peers that are known are asked which of them has the session, and
 * that one answers; rejects with REGISTRY_UNAVAILABLE where none has it, since there may be peers that are not known.
 */
async function found(
  exchange: Exchange,
  id: string,
  readsBody: boolean,
): Promise<FoundSession | "passed on" | null> {
  try {
    return await exchange.plane.peers.registry.find(id);
  } catch (error) {
    const owner = await whoHas(exchange, id);
    if (owner && (await passOn(exchange, owner, readsBody))) return "passed on";
    letGoOfBody(exchange.ctx);
    throw error;
  }
}

/** Null where it is out of reach. */
function ownerOf({ plane }: Exchange, { owner }: FoundSession): PeerNode | null {
  if (owner && plane.peers.canReach(owner)) return owner;
  if (owner) plane.peers.cannotAsk("proxied");
  return null;
}

/** False: the owner did not answer. */
async function passOn(exchange: Exchange, owner: PeerNode, readsBody: boolean): Promise<boolean> {
  const { ctx, plane, scope } = exchange;
  const notes = notesOf(ctx);
  const left = new AbortController();
  const leave = () => left.abort();
  ctx.res.once("close", leave);
  if (ctx.res.destroyed) leave();
  notes.proxiedTo = owner.nodeId;
  try {
    const answer = await plane.peers.ask(
      owner,
      {
        method: ctx.req.method ?? ctx.method,
        target: ctx.originalUrl,
        mount: mountOf(ctx),
        ...(await passedOn(ctx, notes.id, readsBody)),
        answerTimeoutMs: waitsForTheEnd(exchange) ? null : plane.peerTimeouts.answerMs,
        signal: left.signal,
      },
      { kind: "proxied", ip: scope.ip, host: ctx.req.headers.host ?? null },
    );
    const end = await relay(ctx, answer, plane.supervisor.sessionsEnded);
    if (end === "lost") notes.code = "PEER_UNREACHABLE";
    return true;
  } catch (error) {
    // Nobody is there to be answered.
    if (left.signal.aborted) return true;
    if (error instanceof PeerError) return false;
    throw error;
  } finally {
    ctx.res.off("close", leave);
  }
}

/** `?wait=true` is answered when the session has ended. */
function waitsForTheEnd({ ctx, query }: Exchange): boolean {
  if (ctx.method !== "DELETE" && ctx.method !== "POST") return false;
  const { data } = closeParameters.safeParse(query);
  return isYes(data?.wait);
}

/** What the registry knows, for those whose request the owner would answer; to all others there is no such session. */
async function answerByRecord(exchange: Exchange, record: SessionRecord): Promise<never> {
  await exchange.judgeForeign(foreignSession(record));
  if (record.end && !(await exchange.mayView()))
    throw new GreenroomError("SESSION_NOT_FOUND", record.sessionId);
  if (record.end)
    throw new DetailedError("SESSION_NOT_FOUND", record.sessionId, foreignEndJson(record, record.end));
  throw new GreenroomError("PEER_UNREACHABLE");
}
