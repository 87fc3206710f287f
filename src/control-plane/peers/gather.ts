import type { PeerNode } from "../../registry/registry.ts";
import { notesOf } from "../answer.ts";
import type { Exchange } from "../exchange.ts";
import { isObject } from "../json.ts";
import type { Page, Row } from "../list-page.ts";
import { headersOf } from "./passed-on.ts";
import { PeerError } from "./peer-client.ts";
import { readJson } from "./read-json.ts";

/** How long a list waits for a sign of life of a peer, in milliseconds. */
const signTimeoutMs = 1_500;
/** How long it waits for one that lives, in milliseconds. */
const listTimeoutMs = 10_000;

export interface PeerPages {
  readonly pages: readonly Page[];
  /** Node ids of those that could not be asked, or gave no page. */
  readonly missing: readonly string[];
}

/** What the same request finds in the other replicas, where each judges its own sessions. Never rejects. */
export async function pagesOfPeers(exchange: Exchange): Promise<PeerPages> {
  const { peers } = exchange.plane;
  if (exchange.hop || !peers.registry.shared) return { pages: [], missing: [] };
  const found = await Promise.all(
    peers.registry.peers().map(async (peer) => ({
      nodeId: peer.nodeId,
      page: peers.canReach(peer) ? await pageOf(exchange, peer) : peers.cannotAsk("listed"),
    })),
  );
  return {
    pages: found.flatMap(({ page }) => page ?? []),
    missing: found.filter(({ page }) => !page).map(({ nodeId }) => nodeId),
  };
}

async function pageOf(exchange: Exchange, peer: PeerNode): Promise<Page | null> {
  const { ctx, plane, scope } = exchange;
  const left = new AbortController();
  const leave = () => left.abort();
  ctx.res.once("close", leave);
  try {
    const answer = await plane.peers.ask(
      peer,
      {
        method: "GET",
        target: ctx.originalUrl,
        headers: headersOf(ctx.req, notesOf(ctx).id),
        body: null,
        signTimeoutMs,
        answerTimeoutMs: listTimeoutMs,
        signal: left.signal,
      },
      { kind: "listed", ip: scope.ip, host: ctx.req.headers.host ?? null },
    );
    const json = await readJson(answer);
    if (answer.statusCode !== 200) throw new PeerError(`It answered a list with ${answer.statusCode}`, true);
    return readPage(json);
  } catch (error) {
    plane.log.debug({ peer: peer.nodeId, err: error }, "a list is without the sessions of a peer");
    return null;
  } finally {
    ctx.res.off("close", leave);
  }
}

function readPage(json: unknown): Page {
  const { sessions, next_cursor: cursor } = isObject(json) ? json : {};
  if (!Array.isArray(sessions)) throw new TypeError("It is not a page of sessions");
  return { rows: sessions.map(readRow), more: typeof cursor === "string" };
}

function readRow(session: unknown): Row {
  const { session_id: id, session_started_at: startedAt } = isObject(session) ? session : {};
  if (typeof id !== "string" || typeof startedAt !== "string") throw new TypeError("It is not a session");
  return { id, startedAt: Date.parse(startedAt), json: JSON.stringify(session) };
}
