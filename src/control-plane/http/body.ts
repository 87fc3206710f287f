import type { IncomingMessage } from "node:http";
import { Readable, type Writable } from "node:stream";
import { MIMEType } from "node:util";
import type Koa from "koa";
import { koaBody } from "koa-body";
import { GreenroomError } from "../../shared/errors.ts";
import type { JsonValue } from "../../shared/protocol.ts";
import { bodyHashOf } from "../peers/connection/mark.ts";
import { HttpError } from "./http-error.ts";
import { parseJson } from "./json.ts";

/** The largest body that is read, in bytes after decompression. */
export const maxBodyBytes = 65_536;
/**
 * The most bytes of a refused body that are still read, so that the client can read the answer. Beyond them the
 * connection is cut.
 */
const swallowedBytes = 1_048_576;

/** A type of bodies that some endpoints take as a text. */
export type TextType = "application/sdp";

/**
 * The parser of bodies. It reads bytes (latin1 keeps each), since koa-body would otherwise replace malformed UTF-8
 * silently. It parses no forms and no files.
 */
const readBytes = koaBody({
  json: false,
  urlencoded: false,
  multipart: false,
  text: true,
  textTypes: ["application/json", "application/sdp"],
  textLimit: maxBodyBytes,
  encoding: "latin1",
});

/**
 * Resolves with the JSON body, or undefined where there is none; a body of the type `textType` is its text. Rejects
 * with 400, 413, 415 or 422 for a wrong body, and FORBIDDEN where it is not the one that a peer has `sealed`: see
 * `bodyHashOf`.
 */
export async function readJsonBody(
  ctx: Koa.Context,
  sealed?: string,
  textType?: TextType,
): Promise<JsonValue | undefined> {
  const passedOn = sealed === undefined ? null : await readWholeBody(ctx, sealed);
  if (!hasBody(ctx.req)) return undefined;
  const isText = textType !== undefined && isOfType(textType, ctx.req.headers["content-type"]);
  if (!isText && !isOfType("application/json", ctx.req.headers["content-type"]))
    throw refused(ctx, new GreenroomError("UNSUPPORTED_MEDIA_TYPE"));
  if (passedOn === null && ctx.req.readableDidRead) return parseReadBefore(bytesReadBefore(ctx), isText);
  const source = passedOn === null ? ctx : replayed(ctx, passedOn);
  const release = holdInflater(source.req);
  try {
    await readBytes(source, async () => undefined);
  } catch (error) {
    throw refused(ctx, asClientError(error));
  } finally {
    release();
  }
  const bytes: unknown = ctx.request.body;
  ctx.request.body = undefined as never;
  if (typeof bytes !== "string") throw refused(ctx, new GreenroomError("UNSUPPORTED_MEDIA_TYPE"));
  return bytes === "" ? undefined : parse(Buffer.from(bytes, "latin1"), isText);
}

/**
 * Resolves with the original body, up to one byte more than `mostBytes` (default {@link maxBodyBytes}), which shows that it is too large. The rest is
 * left unread. Rejects where the client closes the connection.
 */
export function readRawBody(req: IncomingMessage, mostBytes = maxBodyBytes): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let length = 0;
  const done = () => resolve(Buffer.concat(chunks).subarray(0, mostBytes + 1));
  const broken = () => reject(new GreenroomError("BAD_REQUEST", "The request body cannot be read"));
  const take = (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length <= mostBytes) return;
    req.pause();
    done();
  };
  req.on("data", take).on("end", done).on("error", broken).on("close", broken);
  if (req.destroyed) broken();
  return promise.finally(() =>
    req.off("data", take).off("end", done).off("error", broken).off("close", broken),
  );
}

/**
 * Resolves with the original body, up to one byte more than is ever read. Rejects with FORBIDDEN where it is not the
 * one that a peer has `sealed`: see `bodyHashOf`. Where another parser has read it, the peer has sent the result of
 * that parser as well.
 */
export async function readWholeBody(
  ctx: Koa.Context,
  sealed?: string,
  mostBytes = maxBodyBytes,
): Promise<Buffer> {
  const { req } = ctx;
  const read = () => (req.readableDidRead ? bytesReadBefore(ctx) : readRawBody(req, mostBytes));
  const bytes = hasBody(req) ? await read() : Buffer.alloc(0);
  if (sealed === undefined || bodyHashOf(bytes) === sealed) return bytes;
  throw new GreenroomError("FORBIDDEN", "This is not the body that a peer has passed on");
}

/** Returns a context whose body, which has been read, can be read again. */
function replayed(ctx: Koa.Context, bytes: Buffer): Koa.Context {
  const req = Object.assign(Readable.from([bytes], { objectMode: false }), { headers: ctx.req.headers });
  return Object.create(ctx, { req: { value: req } }) as Koa.Context;
}

/**
 * Returns the result of another parser that has read the body, as bytes of JSON. Parsers of Koa leave it at
 * `ctx.request.body`, those of Express and of cloud functions at `req.body`; as a value, a text, or bytes.
 */
export function bytesReadBefore(ctx: Koa.Context): Buffer {
  const { body = (ctx.req as { body?: unknown }).body } = ctx.request;
  if (body instanceof Uint8Array) return Buffer.from(body);
  const text = typeof body === "string" ? body : (JSON.stringify(body) as string | undefined);
  if (text !== undefined) return Buffer.from(text);
  throw new Error(
    "The body was read before the request came here, and its value is neither at ctx.request.body nor at req.body: " +
      "mount the API before whatever reads it (in Fastify in a hook onRequest), or have it leave the value there",
  );
}

function parseReadBefore(bytes: Buffer, isText: boolean): JsonValue | undefined {
  if (bytes.length > maxBodyBytes) throw new GreenroomError("BODY_TOO_LARGE", String(maxBodyBytes));
  return bytes.length === 0 ? undefined : parse(bytes, isText);
}

const parse = (bytes: Buffer, isText: boolean): JsonValue => (isText ? bytes.toString() : parseJson(bytes));

export function hasBody({ headers }: IncomingMessage): boolean {
  if (headers["transfer-encoding"] !== undefined) return true;
  const length = headers["content-length"];
  return length !== undefined && length !== "0";
}

function isOfType(type: string, contentType: string | undefined): boolean {
  try {
    const { essence, params } = new MIMEType(contentType ?? "");
    return essence === type && /^utf-?8$/i.test(params.get("charset") ?? "utf-8");
  } catch {
    return false;
  }
}

/**
 * Handles later errors of the inflater. koa-body decompresses in a stream of its own and stops listening to it once it
 * has settled. A later zlib error, as of a bomb that ends in garbage, would be uncaught and end the process; and the
 * stream would never be freed. Returns a function that frees it.
 */
function holdInflater(request: IncomingMessage): () => void {
  const inflaters: Writable[] = [];
  const { pipe } = request;
  request.pipe = function <T extends NodeJS.WritableStream>(
    this: IncomingMessage,
    to: T,
    options?: { end?: boolean },
  ): T {
    to.on("error", () => undefined);
    inflaters.push(to as unknown as Writable);
    return pipe.call(this, to, options) as T;
  };
  return () => {
    request.pipe = pipe;
    for (const inflater of inflaters) {
      request.unpipe(inflater);
      inflater.destroy();
    }
  };
}

function asClientError(error: unknown): Error {
  const status = typeof error === "object" && error !== null && "status" in error ? error.status : undefined;
  if (status === 413) return new GreenroomError("BODY_TOO_LARGE", String(maxBodyBytes));
  if (status === 415) {
    return new HttpError(415, "The request body must be compressed as gzip, deflate or br, or not at all", {
      code: "UNSUPPORTED_MEDIA_TYPE",
      headers: { "Accept-Encoding": "gzip, deflate, br" },
    });
  }
  return new GreenroomError("BAD_REQUEST", "The request body cannot be read", { cause: error });
}

function refused(ctx: Koa.Context, error: Error): Error {
  swallowBody(ctx);
  return error;
}

/** Reads and drops the rest of the body, and ends the connection with the answer. */
export function swallowBody(ctx: Koa.Context): void {
  const { req } = ctx;
  let left = swallowedBytes;
  req.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) req.destroy();
  });
  req.resume();
  if (!req.complete) ctx.set("Connection", "close");
}
