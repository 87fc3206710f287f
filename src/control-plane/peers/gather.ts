import type { PeerRequestKind } from "../../metrics/labels.ts";
import type { PeerNode } from "../../registry/registry.ts";
import type { JsonValue } from "../../shared/protocol.ts";
import type { Exchange } from "../exchange.ts";
import { notesOf } from "../http/request-notes.ts";
import { PeerError } from "./connection/peer-error.ts";
import { readJson } from "./connection/read-json.ts";
import { headersOf, mountOf } from "./passed-on.ts";

/** The longest time that a peer may take to give a sign of life, in milliseconds. */
const signTimeoutMs = 1_500;

export interface Gathering<T> {
  readonly kind: PeerRequestKind;
  /** The longest time that a peer which gave a sign of life may take to answer, in milliseconds. Null: no limit. */
  readonly answerTimeoutMs: number | null;
  /** Reads an answer. Throws where it is not one of those that are expected. */
  read(status: number, body: JsonValue): T;
}

export interface Gathered<T> {
  readonly answers: readonly T[];
  /** The node ids of the replicas that could not be asked, or did not answer as expected. */
  readonly missing: readonly string[];
}

/** The header that names the replicas which are missing in an answer. */
const incompleteHeader = "Greenroom-Incomplete";

/** Lets all other replicas answer the same request, where each judges its own sessions. Never rejects. */
export async function gather<T>(exchange: Exchange, gathering: Gathering<T>): Promise<Gathered<T>> {
  const { peers } = exchange.plane;
  if (exchange.hop || !peers.registry.shared) return { answers: [], missing: [] };
  const asked = await Promise.all(
    peers.known().map(async (peer) => {
      if (peers.canReach(peer)) return answerOf(exchange, peer, gathering);
      peers.cannotAsk(gathering.kind);
      return { peer };
    }),
  );
  const answers: T[] = [];
  const missing: string[] = [];
  for (const answer of asked) {
    if (answer === "gone") continue;
    if ("said" in answer) answers.push(answer.said);
    else missing.push(answer.peer.nodeId);
  }
  return { answers, missing };
}

/** Tells the client which replicas are missing. */
export function tellMissing({ ctx }: Exchange, missing: readonly string[]): void {
  if (missing.length > 0) ctx.set(incompleteHeader, missing.map(encodeURIComponent).join(", "));
}

async function answerOf<T>(
  exchange: Exchange,
  peer: PeerNode,
  { kind, answerTimeoutMs, read }: Gathering<T>,
): Promise<{ readonly said: T } | { readonly peer: PeerNode } | "gone"> {
  const { ctx, plane, scope } = exchange;
  const left = new AbortController();
  const leave = () => left.abort();
  ctx.res.once("close", leave);
  try {
    const answer = await plane.peers.ask(
      peer,
      {
        method: ctx.method,
        target: ctx.originalUrl,
        mount: mountOf(ctx),
        headers: headersOf(ctx.req, notesOf(ctx).id),
        body: null,
        signTimeoutMs,
        answerTimeoutMs,
        signal: left.signal,
      },
      { kind, ip: scope.ip, host: ctx.req.headers.host ?? null },
    );
    return { said: read(answer.statusCode ?? 0, await readJson(answer)) };
  } catch (error) {
    if (error instanceof PeerError && error.refused && plane.peers.refused(peer)) return "gone";
    plane.log.debug(
      { event: "peer_sessions_missing", peer: peer.nodeId, err: error },
      "A list lacks the sessions of a peer that did not answer",
    );
    return { peer };
  } finally {
    ctx.res.off("close", leave);
  }
}

/** Returns the error for an answer that {@link Gathering.read} does not expect. */
export function unexpected(status: number): PeerError {
  return new PeerError(`It answered with ${status}`, true);
}
