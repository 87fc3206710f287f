import type { IncomingMessage } from "node:http";
import type Koa from "koa";
import { endToEnd } from "./end-to-end-headers.ts";
import type { PeerBody } from "./peer-client.ts";

/** What a peer is sent of a request: its headers as they came, less what is about the connection, and its body. */
export interface PassedOn {
  readonly headers: string[];
  readonly body: PeerBody | null;
}

/** A request as it came, its body still to be read. */
export function passedOn(ctx: Koa.Context, requestId: string): PassedOn {
  const { req } = ctx;
  if (!hasBody(req)) return { headers: headersOf(req, requestId), body: null };
  // An application that this is mounted in may have read it already.
  if (req.readableDidRead) return withJson(ctx, requestId, ctx.request.body);
  return { headers: headersOf(req, requestId), body: bodyOf(req) };
}

/** A request whose body has been read. */
export function withJson(
  ctx: Koa.Context,
  requestId: string,
  json: unknown,
  without: readonly string[] = [],
): PassedOn {
  const headers = headersOf(ctx.req, requestId, ["content-encoding", ...without]);
  if (json === undefined) return { headers, body: null };
  const bytes = Buffer.from(typeof json === "string" ? json : JSON.stringify(json));
  return { headers, body: { from: bytes, length: bytes.length } };
}

/** Without Host, which the mark carries; the peer's log line has the id of this one's. */
export function headersOf(
  { rawHeaders }: IncomingMessage,
  requestId: string,
  without: readonly string[] = [],
): string[] {
  const kept = endToEnd(rawHeaders, ["host", "content-length", "x-request-id", ...without]);
  return [...kept, "X-Request-Id", requestId];
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers["content-length"];
  return headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

function bodyOf(req: IncomingMessage): PeerBody {
  const length = req.headers["content-length"];
  return { from: req, length: length === undefined ? null : Number(length) };
}
