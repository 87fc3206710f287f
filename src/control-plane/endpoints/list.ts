import type { Session } from "../../supervisor/session/session.ts";
import { callPath, listParameters } from "../documents/schemas.ts";
import { sessionJson } from "../documents/wire.ts";
import type { Exchange } from "../exchange.ts";
import { validated } from "../http/invalid-request.ts";
import { isObject } from "../http/json.ts";
import { gather, tellMissing } from "../peers/gather.ts";
import { unexpected } from "../peers/survey.ts";
import {
  inOrder,
  mergedPage,
  type Page,
  PageBuilder,
  pageText,
  positionOf,
  type Row,
  readCursor,
} from "./list-page.ts";

/** The longest time that a peer may take to make its part of a list, in milliseconds. */
const listTimeoutMs = 10_000;

/** Answers with the live sessions that the caller may view, of all replicas, by age. */
export async function listSessions(exchange: Exchange): Promise<void> {
  await exchange.caller();
  const { call_id: ofPath } = exchange.params;
  if (ofPath !== undefined) validated(callPath, exchange.params, "path");
  const {
    limit,
    cursor,
    state,
    config,
    order,
    call_id: ofQuery,
  } = validated(listParameters, exchange.query, "query");
  const callId = ofPath ?? ofQuery;
  // Clients write the null of the last page as an empty text.
  const after = cursor ? readCursor(cursor) : null;
  const compare = inOrder(order);
  const candidates = exchange.plane.supervisor
    .listSessions()
    .filter((session) => callId === undefined || session.callId === callId)
    .map((session) => ({ session, ...positionOf(session) }))
    .filter((place) => after === null || compare(after, place) < 0)
    .sort(compare);

  const asked = gather(exchange, { kind: "listed", answerTimeoutMs: listTimeoutMs, read: readPage });
  const isBare = config === "false";
  const own = await ownPage(exchange, candidates, { limit, state, isBare });
  const { answers: pages, missing } = await asked;
  const { ctx } = exchange;
  tellMissing(exchange, missing);
  ctx.type = "application/json";
  ctx.body = pageText(pages.length === 0 ? own : mergedPage([own, ...pages], limit, compare));
}

/** Returns this process's part of a page, each session judged by itself. */
async function ownPage(
  exchange: Exchange,
  candidates: readonly { readonly session: Session; readonly startedAt: number; readonly id: string }[],
  { limit, state, isBare }: { limit: number; state: string | undefined; isBare: boolean },
): Promise<Page> {
  const builder = new PageBuilder(limit);
  for (const { session, startedAt, id } of candidates) {
    if (!(await isShown(exchange, session, state))) continue;
    const json = sessionJson(session, exchange.plane.supervisor.node.nodeId);
    const row = { startedAt, id, json: JSON.stringify(isBare ? { ...json, config: null } : json) };
    if (!builder.add(row)) return builder.page(true);
  }
  return builder.page(false);
}

/** Resolves with whether a session is shown. It may end while it is judged. */
async function isShown(exchange: Exchange, session: Session, state: string | undefined): Promise<boolean> {
  const fits = () => session.state !== "ended" && (state === undefined || session.state === state);
  return fits() && (await exchange.plane.permissions.shows(exchange.childScope(session))) && fits();
}

/** Returns the part of a peer. */
function readPage(status: number, body: unknown): Page {
  const { sessions, next_cursor: cursor } = isObject(body) ? body : {};
  if (status !== 200 || !Array.isArray(sessions)) throw unexpected(status);
  return { rows: sessions.map(readRow), more: typeof cursor === "string" };
}

function readRow(session: unknown): Row {
  const { session_id: id, session_started_at: startedAt } = isObject(session) ? session : {};
  if (typeof id !== "string" || typeof startedAt !== "string") throw new TypeError("It is not a session");
  return { id, startedAt: Date.parse(startedAt), json: JSON.stringify(session) };
}
