import type { IncomingMessage } from "node:http";
import type Koa from "koa";
import { bytesReadBefore, hasBody } from "../body.ts";
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
  if (req.readableDidRead) return withBytes(ctx, requestId, bytesReadBefore(ctx));
  return { headers: headersOf(req, requestId), body: bodyOf(req) };
}

/** A request whose body has been read. */
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
  const headers = headersOf(ctx.req, requestId, ["content-encoding", ...without]);
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

function bodyOf(req: IncomingMessage): PeerBody {
  const length = req.headers["content-length"];
  return { from: req, length: length === undefined ? null : Number(length) };
}
