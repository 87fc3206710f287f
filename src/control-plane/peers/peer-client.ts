import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { DeadlineError } from "../../deadline.ts";
import type { NodeInfo } from "../../registry/registry.ts";
import { maxBodyBytes } from "../body.ts";
import { HttpError } from "../http-error.ts";
import { type Hop, isProof, type Line, type Mark, markHeader, nodeHeader, type PeerMarks } from "./mark.ts";

const wrongAddress = "its --advertised-address (GREENROOM_ADVERTISED_ADDRESS) leads elsewhere";
/** Peers are near: who does not take a connection within this time is not there. In milliseconds. */
const connectTimeoutMs = 1_000;
/** How long a connection is kept for the next request, in milliseconds. A server keeps it for 75 s. */
const keptIdleMs = 30_000;
/** Connections to each peer that are kept. */
const mostKept = 16;
/** A connection whose other end vanished without a word is given up about 10 s after this, in milliseconds. */
const aliveAfterMs = 5_000;

export interface PeerBody {
  readonly from: Readable | Buffer;
  /** In bytes; null: it shows. */
  readonly length: number | null;
}

export interface PeerRequest extends Line {
  readonly hop: Hop;
  /** End-to-end ones, names and values in turn, without Host. */
  readonly headers: readonly string[];
  readonly body: PeerBody | null;
  /** Longest time from the connection to a sign of life, before which nothing of the body is sent. In milliseconds. */
  readonly signTimeoutMs: number;
  /** Longest time from then, or from the last byte of the body, to the headers of the answer, in milliseconds. Null: no limit. */
  readonly answerTimeoutMs: number | null;
  /** Aborted, it ends the request and its answer. */
  readonly signal: AbortSignal;
}

/** A peer did not answer. */
export class PeerError extends Error {
  override readonly name = "PeerError";
  /** It cannot have acted: it was not reached, never got the body, or has died with what it may have begun. */
  readonly surelyUndone: boolean;

  constructor(message: string, surelyUndone: boolean, cause?: unknown) {
    super(message, { cause });
    this.surelyUndone = surelyUndone;
  }

  /** It let a deadline pass: it may stand still. */
  get late(): boolean {
    return this.cause instanceof DeadlineError;
  }
}

/**
 * Asks peers, over connections that are kept where that is safe.
 *
 * A process that stands still has its connections accepted by the kernel, and answers what it finds there whenever it goes on.
 * So a body is sent only to who has said that it is there (100 Continue): who was given up before has got nothing that it
 * could act upon, and another one can be asked. To a request without a body 102 Processing is the sign.
 */
export class PeerClient {
  readonly #marks: PeerMarks;
  readonly #kept = { keepAlive: true, maxFreeSockets: mostKept, timeout: keptIdleMs };
  readonly #http = new HttpAgent(this.#kept);
  readonly #https = new HttpsAgent(this.#kept);

  constructor(marks: PeerMarks) {
    this.#marks = marks;
  }

  /**
   * The answer, once its headers are there. Rejects with a {@link PeerError}, with an `HttpError` where the headers are too
   * large for a peer, or with the reason of the signal.
   */
  async ask(peer: NodeInfo, request: PeerRequest): Promise<IncomingMessage> {
    // A kept connection may be closed by the peer just as it is used again. What has no body can be sent once more.
    const repeatable = request.body === null && request.hop.kind !== "forwarded";
    try {
      return await this.#send(peer, request, repeatable);
    } catch (error) {
      request.signal.throwIfAborted();
      if (!(error instanceof StaleConnection)) throw error;
      return await this.#send(peer, request, false);
    }
  }

  async #send(peer: NodeInfo, request: PeerRequest, overKept: boolean): Promise<IncomingMessage> {
    const url = new URL(peer.address ?? "");
    const mark = this.#marks.sign(request.hop, request);
    const secure = url.protocol === "https:";
    const sent = (secure ? httpsRequest : httpRequest)({
      host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: url.port === "" ? (secure ? 443 : 80) : url.port,
      agent: overKept ? (secure ? this.#https : this.#http) : false,
      method: request.method,
      path: request.target,
      headers: [...request.headers, ...framing(request), "Host", url.host, markHeader, mark.text],
      signal: request.signal,
    });
    return answerOf(sent, request, mark, secure ? "secureConnect" : "connect");
  }
}

/** Node frames nothing by itself where it is given headers in their order. */
function framing({ body, method }: PeerRequest): string[] {
  if (body === null) return method === "POST" ? ["Content-Length", "0"] : [];
  const length =
    body.length === null ? ["Transfer-Encoding", "chunked"] : ["Content-Length", String(body.length)];
  return [...length, "Expect", "100-continue"];
}

/** The connection was closed before it could be used. */
class StaleConnection extends PeerError {}

function answerOf(
  sent: ClientRequest,
  { body, signTimeoutMs, answerTimeoutMs, signal }: PeerRequest,
  mark: Mark,
  connected: "connect" | "secureConnect",
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  let timer: NodeJS.Timeout | undefined;
  let overdue = false;
  let reached = false;
  let bodyBegun = false;
  const waitFor = (what: string, ms: number | null) => {
    clearTimeout(timer);
    overdue = false;
    if (ms === null) return;
    const expire = () => {
      if (overdue) sent.destroy(new DeadlineError(`${what} took longer than ${ms} ms`));
    };
    // Where this process was late itself, the answer may lie there: timers come before it in a turn of the event loop.
    timer = setTimeout(() => {
      overdue = true;
      setImmediate(expire);
    }, ms);
  };
  const waitForAnswer = () => waitFor("The answer of a peer", answerTimeoutMs);
  const connectedNow = () => {
    reached = true;
    waitFor("A sign of life of a peer", signTimeoutMs);
  };
  const sendBody = ({ from }: PeerBody) => {
    bodyBegun = true;
    waitFor("", null);
    sent.once("finish", waitForAnswer);
    if (Buffer.isBuffer(from)) sent.end(from);
    else pipeAsMuchAsIsRead(from, sent);
  };
  sent.once("socket", (socket: Socket) => {
    socket.setKeepAlive(true, aliveAfterMs);
    if (!socket.connecting) return connectedNow();
    waitFor("The connection to a peer", connectTimeoutMs);
    socket.once(connected, connectedNow);
  });
  sent.once("continue", () => {
    if (body) sendBody(body);
  });
  sent.once("information", () => {
    if (!body) waitForAnswer();
  });
  sent.on("error", (error: NodeJS.ErrnoException) => {
    if (signal.aborted) return reject(signal.reason);
    const closed = error.code === "ECONNRESET" || error.code === "EPIPE";
    if (closed && sent.reusedSocket) return reject(new StaleConnection(error.message, true, error));
    const bodyUnsent = body !== null && !bodyBegun;
    reject(new PeerError(error.message, !reached || closed || bodyUnsent, error));
  });
  sent.once("close", () => waitFor("", null));
  sent.once("response", (response) => {
    waitFor("", null);
    // Whoever reads the answer hears of its end; here it only must not become an uncaught error.
    response.on("error", () => undefined);
    const proven = isProof(response.headers[markHeader.toLowerCase()], mark);
    if (proven && response.statusCode !== 421) return resolve(response);
    response.destroy();
    if (proven) {
      const who = response.headers[nodeHeader.toLowerCase()];
      return reject(new PeerError(`It was answered by another replica (${who}): ${wrongAddress}`, true));
    }
    // With the mark they are larger than what the client sent, and a server refuses them before anything of ours runs.
    if (response.statusCode === 431)
      return reject(new HttpError(431, "The headers are too large", { code: "HEADERS_TOO_LARGE" }));
    const isGreenroom = response.statusCode === 403 && response.headers["x-request-id"] !== undefined;
    const why = isGreenroom
      ? "a Greenroom with another GREENROOM_PEER_SECRET, or with none"
      : `no Greenroom there: ${wrongAddress}`;
    reject(new PeerError(`It was answered ${response.statusCode} by ${why}`, true));
  });
  if (body === null) sent.end();
  else sent.flushHeaders();
  return promise;
}

/**
 * No more than a peer reads: who goes on writing to one that has refused a body does not get to read the refusal. What
 * follows waits for the answer.
 */
function pipeAsMuchAsIsRead(from: Readable, to: ClientRequest): void {
  let left = maxBodyBytes;
  from.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) from.unpipe(to);
  });
  from.pipe(to);
}
