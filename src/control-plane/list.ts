import type { Session } from "../supervisor/session.ts";
import type { Exchange } from "./exchange.ts";
import { InvalidRequest, validated } from "./invalid-request.ts";
import { callPath, listParameters } from "./schemas.ts";
import { sessionJson } from "./wire.ts";

/** A page ends early when it is that long, in characters: each session may carry 64 KiB of config. */
const longestPage = 1_048_576;

/** The live sessions that the caller may view, the oldest first. */
export async function listSessions(exchange: Exchange): Promise<void> {
  await exchange.caller();
  const { call_id: ofPath } = exchange.params;
  if (ofPath !== undefined) validated(callPath, exchange.params, "path");
  const { limit, cursor, state, call_id: ofQuery } = validated(listParameters, exchange.query, "query");
  const callId = ofPath ?? ofQuery;
  const candidates = exchange.plane.supervisor
    .listSessions()
    .filter((session) => callId === undefined || session.callId === callId)
    .sort(byAge);
  const after = cursor === undefined ? null : readCursor(cursor);

  const page: string[] = [];
  let length = 0;
  let last: Session | null = null;
  let nextCursor: string | null = null;
  for (const session of candidates) {
    if (after && !isAfter(session, after)) continue;
    if (!(await isShown(exchange, session, state))) continue;
    if (last && (page.length === limit || length > longestPage)) {
      nextCursor = writeCursor(last);
      break;
    }
    const json = JSON.stringify(sessionJson(session));
    page.push(json);
    length += json.length;
    last = session;
  }
  exchange.ctx.type = "application/json";
  exchange.ctx.body = `{"sessions":[${page.join(",")}],"next_cursor":${JSON.stringify(nextCursor)}}`;
}

/** Judged one by one; while one is judged, it may end. */
async function isShown(exchange: Exchange, session: Session, state: string | undefined): Promise<boolean> {
  const fits = () => session.state !== "ended" && (state === undefined || session.state === state);
  return fits() && (await exchange.plane.permissions.shows(exchange.childScope(session))) && fits();
}

/** The place of a session in the list, which is the same for the whole of its life. */
interface Place {
  readonly startedAt: number;
  readonly id: string;
}

const isAfter = (session: Place, after: Place): boolean => byAge(after, session) < 0;

function byAge(a: Place, b: Place): number {
  return a.startedAt - b.startedAt || (a.id < b.id ? -1 : Number(a.id > b.id));
}

function writeCursor({ startedAt, id }: Place): string {
  return Buffer.from(JSON.stringify([startedAt, id])).toString("base64url");
}

function readCursor(cursor: string): Place {
  try {
    const [startedAt, id] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown[];
    if (typeof startedAt === "number" && typeof id === "string") return { startedAt, id };
  } catch {
    // Said below.
  }
  throw new InvalidRequest([
    { loc: ["query", "cursor"], msg: "This is not a next_cursor of an earlier page", type: "value_error" },
  ]);
}
