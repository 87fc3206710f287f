import type { IncomingMessage } from "node:http";
import { type ErrorCode, GreenroomError } from "../../errors.ts";
import type { PeerNode } from "../../registry/registry.ts";
import { notesOf } from "../answer.ts";
import type { Exchange } from "../exchange.ts";
import { HttpError } from "../http-error.ts";
import { isObject } from "../json.ts";
import type { StartedSession } from "../wire.ts";
import { withJson } from "./passed-on.ts";
import { PeerError } from "./peer-client.ts";
import { readJson } from "./read-json.ts";

/** Most peers that a start is offered to. */
const mostOffers = 5;

/** With these a replica says that it has no room; another one may. A crash storm is not passed round. */
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
/** A peer may say these too, and yet another one have room. */
const noRoomThere: ReadonlySet<string> = new Set([...noRoomHere, "CRASH_STORM"]);

export function isNoRoom(error: unknown): boolean {
  return GreenroomError.is(error) && noRoomHere.has(error.code);
}

/**
 * Offers a start that has no room here to the peers, those with most room first, each once. Null: none of them has room
 * either. Another answer of a peer, such as CALL_FULL, is the answer: it is thrown.
 */
export async function offerStart(exchange: Exchange, body: unknown): Promise<StartedSession | null> {
  for (const peer of inOrderOfRoom(exchange.plane.peers.reachable()).slice(0, mostOffers)) {
    const started = await offerTo(exchange, peer, body);
    if (!started) continue;
    notesOf(exchange.ctx).forwardedTo = peer.nodeId;
    return started;
  }
  return null;
}

/**
 * What is known of their room is a heartbeat old: those that seemed full come later, and those that seemed to accept
 * nothing last. They are asked too, since one that warmed up is room, and who is refused here is refused by the fleet.
 */
function inOrderOfRoom(peers: readonly PeerNode[]): PeerNode[] {
  const rank = ({ accepting, free }: PeerNode) => (accepting ? free : -1);
  return peers
    .map((peer) => ({ peer, rank: rank(peer), chance: Math.random() }))
    .sort((one, other) => other.rank - one.rank || one.chance - other.chance)
    .map(({ peer }) => peer);
}

async function offerTo(exchange: Exchange, peer: PeerNode, body: unknown): Promise<StartedSession | null> {
  const { ctx, plane, scope } = exchange;
  try {
    const answer = await plane.peers.ask(
      peer,
      {
        method: "POST",
        target: ctx.originalUrl,
        ...withJson(ctx, notesOf(ctx).id, body),
        answerTimeoutMs: plane.peerTimeouts.startMs,
        // A start goes on where its client leaves, as at home.
        signal: new AbortController().signal,
      },
      { kind: "forwarded", ip: scope.ip, host: ctx.req.headers.host ?? null },
    );
    return await readAnswer(answer);
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    if (error.surelyUndone) return null;
    // It may still start there: another peer would start a second one.
    throw new GreenroomError("PEER_UNREACHABLE", undefined, { cause: error });
  }
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
