import type { IncomingMessage } from "node:http";
import type Koa from "koa";
import { bytesReadBefore, hasBody, readRawBody } from "../http/body.ts";
import { endToEnd } from "./connection/end-to-end-headers.ts";

/**
 * The parts of a request that a peer is sent: its headers as they came, without those about the connection, and its
 * body.
 */
export interface PassedOn {
  readonly headers: string[];
  readonly body: Buffer | null;
}

/**
 * Resolves with a request in its original form. Its body is read here, as far as a server reads any, so that the mark
 * can be bound to it; where `readsBody` is false it is left unread. Rejects where the client closes the connection.
 */
export async function passedOn(ctx: Koa.Context, requestId: string, readsBody: boolean): Promise<PassedOn> {
  const { req } = ctx;
  if (!readsBody || !hasBody(req)) return { headers: headersOf(req, requestId), body: null };
  // An application in which the API is mounted may have read the body already.
  if (req.readableDidRead) return withBytes(ctx, requestId, bytesReadBefore(ctx));
  return { headers: headersOf(req, requestId), body: await readRawBody(req) };
}

/** Returns a request whose body has been read, with that body as JSON. */
export function withJson(
  ctx: Koa.Context,
  requestId: string,
  json: unknown,
  without: readonly string[] = [],
): PassedOn {
  if (json !== undefined) return withBytes(ctx, requestId, Buffer.from(JSON.stringify(json)), without);
  return { headers: headersOf(ctx.req, requestId, ["content-encoding", ...without]), body: null };
}

function withBytes(
  ctx: Koa.Context,
  requestId: string,
  bytes: Buffer,
  without: readonly string[] = [],
): PassedOn {
  return { headers: headersOf(ctx.req, requestId, ["content-encoding", ...without]), body: bytes };
}

/**
 * Returns the headers of a request without Host, which the mark carries, and with its id, so that the peer's log line
 * has the same id.
 */
export function headersOf(
  { rawHeaders }: IncomingMessage,
  requestId: string,
  without: readonly string[] = [],
): string[] {
  const kept = endToEnd(rawHeaders, ["host", "content-length", "x-request-id", ...without]);
  return [...kept, "X-Request-Id", requestId];
}

type Paths = Pick<Koa.Context, "originalUrl" | "path">;

/**
 * Returns the path under which the API is mounted in another application; empty where it is at the root, or where the
 * request does not show it.
 */
export function mountOf(ctx: Paths): string {
  return toldMount(ctx) ?? "";
}

/**
 * Does the same as {@link mountOf}, but returns null where the request does not show it: its target is a whole URL, is
 * written otherwise than its path, or ends where the API begins.
 */
export function toldMount({ originalUrl, path }: Paths): string | null {
  const [whole = ""] = originalUrl.split("?");
  if (!whole.startsWith("/") || !whole.endsWith(path) || path === "/") return null;
  return whole.slice(0, -path.length);
}
