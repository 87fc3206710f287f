import type { IncomingMessage } from "node:http";
import type Koa from "koa";
import type { PeerNode } from "../../registry/registry.ts";
import { newestRevision } from "../../registry/revisions.ts";
import { type ErrorCode, GreenroomError } from "../../shared/errors.ts";
import type { StartedSession } from "../documents/wire.ts";
import type { Exchange } from "../exchange.ts";
import { HttpError } from "../http/http-error.ts";
import { isObject } from "../http/json.ts";
import { notesOf } from "../http/request-notes.ts";
import { PeerError } from "./connection/peer-error.ts";
import { readJson } from "./connection/read-json.ts";
import { mountOf, type PassedOn, withJson } from "./passed-on.ts";

/** The most peers that a start is offered to. */
const mostOffers = 5;

/** The codes by which a replica says that it has no room, while another one may have some. A crash storm is not passed on. */
const noRoomHere: ReadonlySet<string> = new Set<ErrorCode>([
  "POOL_FULL",
  "NOT_STARTED",
  "WARMING_UP",
  "AGENT_UNAVAILABLE",
  "NO_THREAD",
  "OVERLOADED",
  "DRAINING",
  "REGISTRY_UNAVAILABLE",
]);
/** The codes after which another peer is asked: a peer may also have a crash storm, while yet another one has room. */
const noRoomThere: ReadonlySet<string> = new Set([...noRoomHere, "CRASH_STORM"]);

export function isNoRoom(error: unknown): boolean {
  return GreenroomError.is(error) && noRoomHere.has(error.code);
}

/**
 * Offers a start that has no room here to the peers, those with most room first, each once. Resolves with null where
 * none of them has room either. Another error of a peer, such as CALL_FULL, is thrown as the answer. Rejects with the
 * reason of `departed` when that is aborted, since the client has left.
 */
export async function offerStart(
  exchange: Exchange,
  passedOn: PassedOn,
  departed: AbortSignal,
): Promise<StartedSession | null> {
  const { peers } = exchange.plane;
  const reachable = peers.reachable();
  if (reachable.length < peers.registry.peers().length) peers.cannotAsk("forwarded");
  return offerInTurn(exchange, inOrderOfRoom(exchange, reachable).slice(0, mostOffers), passedOn, departed);
}

/**
 * Offers a start to a peer of a newer revision that seems to have room, where there is one. Resolves with null where there is none,
 * or it has no room after all. Rejects as {@link offerStart} does.
 */
export async function offerToNewest(
  exchange: Exchange,
  passedOn: PassedOn,
  departed: AbortSignal,
): Promise<StartedSession | null> {
  const { peers, supervisor } = exchange.plane;
  const newest = newestOf(exchange);
  if (newest === null || supervisor.node.revision === newest) return null;
  const [first] = inOrderOfRoom(exchange, peers.reachable());
  const hasRoom = first?.revision === newest && first.accepting && first.free > 0 && !peers.wasSilent(first);
  return hasRoom ? offerInTurn(exchange, [first], passedOn, departed) : null;
}

async function offerInTurn(
  exchange: Exchange,
  peers: readonly PeerNode[],
  passedOn: PassedOn,
  departed: AbortSignal,
): Promise<StartedSession | null> {
  for (const peer of peers) {
    const started = await offerTo(exchange, peer, passedOn, departed);
    if (!started) continue;
    notesOf(exchange.ctx).forwardedTo = peer.nodeId;
    return started;
  }
  return null;
}

/** Returns the revision that is being rolled out; null where there is none. */
function newestOf({ plane: { peers, supervisor } }: Exchange): string | null {
  const { registry } = peers;
  return newestRevision([...registry.peers(), { ...supervisor.node, epoch: registry.epoch }]);
}

/**
 * Sorts peers by their revision where they have room, the newest first, then by their room, as of their last heartbeat: those that seemed full come later, those that seemed to accept
 * nothing after them, and those that were silent last. They are asked too, since one that has warmed up meanwhile has
 * room, and a start that is refused here is refused by the whole fleet.
 */
function inOrderOfRoom(exchange: Exchange, reachable: readonly PeerNode[]): PeerNode[] {
  const { peers } = exchange.plane;
  const newest = newestOf(exchange);
  const rank = (peer: PeerNode) => (peers.wasSilent(peer) ? -2 : peer.accepting ? peer.free : -1);
  const isPreferred = (peer: PeerNode) => newest !== null && peer.revision === newest && rank(peer) > 0;
  return reachable
    .map((peer) => ({ peer, preferred: Number(isPreferred(peer)), rank: rank(peer), chance: Math.random() }))
    .sort(
      (one, other) => other.preferred - one.preferred || other.rank - one.rank || one.chance - other.chance,
    )
    .map(({ peer }) => peer);
}

async function offerTo(
  exchange: Exchange,
  peer: PeerNode,
  passedOn: PassedOn,
  departed: AbortSignal,
): Promise<StartedSession | null> {
  const { ctx, plane, scope } = exchange;
  try {
    const answer = await plane.peers.ask(
      peer,
      {
        method: ctx.method,
        target: ctx.originalUrl,
        mount: mountOf(ctx),
        ...passedOn,
        answerTimeoutMs: plane.peerTimeouts.startMs,
        signal: departed,
      },
      { kind: "forwarded", ip: scope.ip, host: ctx.req.headers.host ?? null },
    );
    return await readAnswer(answer);
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    if (error.surelyUndone) return null;
    // The session may have begun there: another peer would start a second one, and so would a client that is told to try again.
    throw new GreenroomError("START_UNCERTAIN", undefined, { cause: error });
  }
}

/**
 * Returns a start over REST in the form that a peer is sent. It always has a body, since a peer cannot act before it
 * has received one.
 */
export function startBody(ctx: Koa.Context, body: unknown): PassedOn {
  const { id } = notesOf(ctx);
  if (body !== undefined) return withJson(ctx, id, body);
  const { headers, ...empty } = withJson(ctx, id, {}, ["content-type"]);
  return { headers: [...headers, "Content-Type", "application/json"], ...empty };
}

async function readAnswer(answer: IncomingMessage): Promise<StartedSession | null> {
  const status = answer.statusCode ?? 0;
  const json = await readJson(answer);
  if (status === 201) return json as unknown as StartedSession;
  const { code, detail } = isObject(json) ? json : {};
  if (typeof code === "string" && noRoomThere.has(code)) return null;
  if (status < 400 || typeof code !== "string")
    throw new PeerError(`It answered a start with ${status}`, false);
  const { "retry-after": retryAfter, "www-authenticate": challenge } = answer.headers;
  throw new HttpError(status, detail ?? null, {
    code,
    headers: {
      ...(retryAfter === undefined ? {} : { "Retry-After": retryAfter }),
      ...(challenge === undefined ? {} : { "WWW-Authenticate": challenge }),
    },
  });
}
