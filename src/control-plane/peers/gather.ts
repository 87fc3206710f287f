import type { Exchange } from "../exchange.ts";
import { notesOf } from "../http/request-notes.ts";
import { headersOf, mountOf } from "./passed-on.ts";
import { type Survey, type Surveyed, survey } from "./survey.ts";

type Gathering<T> = Pick<Survey<T>, "kind" | "answerTimeoutMs" | "read">;

/** The header that names the replicas which are missing in an answer. */
const incompleteHeader = "Greenroom-Incomplete";

/** Lets all other replicas answer the same request, where each judges its own sessions. Never rejects. */
export async function gather<T>(exchange: Exchange, gathering: Gathering<T>): Promise<Surveyed<T>> {
  const { ctx, plane, scope, hop } = exchange;
  if (hop) return { answers: [], missing: [] };
  const left = new AbortController();
  const leave = () => left.abort();
  ctx.res.once("close", leave);
  const request = {
    method: ctx.method,
    target: ctx.originalUrl,
    mount: mountOf(ctx),
    headers: headersOf(ctx.req, notesOf(ctx).id),
  };
  const caller = { ip: scope.ip, host: ctx.req.headers.host ?? null };
  try {
    return await survey(plane, { ...gathering, caller, signal: left.signal, requestTo: () => request });
  } finally {
    ctx.res.off("close", leave);
  }
}

/** Tells the client which replicas are missing. */
export function tellMissing({ ctx }: Exchange, missing: readonly string[]): void {
  if (missing.length > 0) ctx.set(incompleteHeader, missing.map(encodeURIComponent).join(", "));
}
