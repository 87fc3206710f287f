import type { ClientRequest, IncomingMessage } from "node:http";
import { type AgentOptions, request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import type { PeerRequestKind } from "../../../metrics/labels.ts";
import { http } from "../../../network/node-http.ts";
import type { NodeInfo } from "../../../registry/registry.ts";
import { HttpError } from "../../http/http-error.ts";
import { byName } from "./end-to-end-headers.ts";
import { bodyHashOf, type Hop, isProof, type Mark, markHeader, type PeerMarks } from "./mark.ts";
import { notTheOne, PeerError, unproven } from "./peer-error.ts";
import {
  nextTurn,
  ProvenHttpAgent,
  ProvenHttpsAgent,
  type ProvenRequestOptions,
} from "./proven-connection.ts";
import { WaitTimer } from "./wait-timer.ts";

/** The time that a connection is kept for the next request, in milliseconds. A server keeps it for 75 s. */
const keptIdleMs = 30_000;
/** The most unused connections to each peer that are kept. */
const mostKept = 16;

export interface PeerRequest {
  readonly method: string;
  /** The path and the query. */
  readonly target: string;
  /** The path under which the API is mounted, without a slash at its end. */
  readonly mount: string;
  readonly hop: Hop;
  /** The end-to-end headers, names and values in turn, without Host. */
  readonly headers: readonly string[];
  readonly body: Buffer | null;
  /**
   * True for the handshake of a WebSocket: where it is answered with 101, the socket of the answer speaks no HTTP any more.
   * Default false.
   */
  readonly upgrade?: boolean;
  /** The longest time from the connection to a sign of life, in milliseconds. Nothing of the body is sent before. */
  readonly signTimeoutMs: number;
  /**
   * The longest time from then, or from the last byte of the body, to the headers of the answer, in milliseconds. Null:
   * no limit.
   */
  readonly answerTimeoutMs: number | null;
  /** The signal that ends the request and its answer. */
  readonly signal: AbortSignal;
}

/** A question to a peer, as the callers of {@link PeerClient} write it. */
export type PeerQuestion = Omit<PeerRequest, "hop" | "signTimeoutMs"> & { readonly signTimeoutMs?: number };

/** The request in the course of which a peer is asked. */
export interface QuestionOrigin {
  readonly kind: PeerRequestKind;
  readonly ip: string;
  readonly host: string | null;
}

/**
 * Asks peers, over connections that are kept where that is safe. Each connection begins with a greeting: before its
 * peer has proved itself no data of a caller is sent over it.
 *
 * While a process stands still the kernel accepts its connections, and the process answers them whenever it goes on. So
 * a body is sent only to a peer that has said that it is there (100 Continue): a peer that was given up before that has
 * received nothing that it could act upon, and another one can be asked. For a request without a body, 102 Processing
 * is that sign.
 */
export class PeerClient {
  readonly #marks: PeerMarks;
  readonly #kept = agentsOf({ keepAlive: true, maxFreeSockets: mostKept, timeout: keptIdleMs });
  readonly #fresh = agentsOf({ keepAlive: false });

  constructor(marks: PeerMarks) {
    this.#marks = marks;
  }

  /**
   * Sends a request. Resolves with the answer, once its headers are there. Rejects with a {@link PeerError}, with an
   * `HttpError` where the headers are too large for a peer, or with the reason of the signal.
   */
  async ask(peer: NodeInfo, request: PeerRequest): Promise<IncomingMessage> {
    // The peer may close a kept connection just as it is used again. A request without a body can be sent once more.
    const repeatable = request.body === null && request.hop.kind !== "forwarded";
    try {
      return await this.#send(peer, request, repeatable);
    } catch (error) {
      request.signal.throwIfAborted();
      if (!(error instanceof StaleConnection)) throw error;
      return await this.#send(peer, request, false);
    }
  }

  #send(peer: NodeInfo, request: PeerRequest, overKept: boolean): Promise<IncomingMessage> {
    request.signal.throwIfAborted();
    const url = new URL(peer.address ?? "");
    const secure = url.protocol === "https:";
    const { hop, mount, signTimeoutMs } = request;
    const agents = overKept ? this.#kept : this.#fresh;
    const options: ProvenRequestOptions = {
      host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: url.port === "" ? (secure ? 443 : 80) : url.port,
      agent: secure ? agents.https : agents.http,
      method: request.method,
      path: request.target,
      setHost: false,
      signal: request.signal,
      greeting: { marks: this.#marks, from: hop.from, to: hop.to, target: `${mount}/health`, signTimeoutMs },
    };
    const sent = (secure ? httpsRequest : http.request)(options);
    return answerOf(sent, request, (socket) => this.#complete(sent, request, url.host, socket));
  }

  /**
   * Sets the headers of a request, once its connection is known. Returns its mark; null where it must go over another
   * connection.
   */
  #complete(sent: ClientRequest, request: PeerRequest, host: string, socket: Socket): Mark | null {
    const turn = nextTurn(socket);
    if (turn === null) return null;
    const mark = this.#marks.sign(request.hop, { ...request, bodyHash: bodyHashOf(request.body) }, turn);
    for (const [name, value] of byName([...request.headers, ...framing(request)]))
      sent.setHeader(name, value);
    sent.setHeader("Host", host);
    if (request.upgrade) sent.setHeader("Connection", "Upgrade").setHeader("Upgrade", "websocket");
    sent.setHeader(markHeader, mark.text);
    return mark;
  }
}

const agentsOf = (options: AgentOptions) => ({
  http: new ProvenHttpAgent(options),
  https: new ProvenHttpsAgent(options),
});

function framing({ body, method }: PeerRequest): string[] {
  if (body === null) return method === "POST" ? ["Content-Length", "0"] : [];
  return ["Content-Length", String(body.length), "Expect", "100-continue"];
}

/** The error for a connection that was closed before it could be used, or that is too old. */
class StaleConnection extends PeerError {}

function answerOf(
  sent: ClientRequest,
  { body, upgrade, signTimeoutMs, answerTimeoutMs, signal }: PeerRequest,
  complete: (socket: Socket) => Mark | null,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const timer = new WaitTimer((error) => sent.destroy(error));
  const waitForAnswer = () => timer.wait("The answer of a peer", answerTimeoutMs);
  let mark: Mark | null = null;
  let bodyBegun = false;
  // Each connection has proved itself: see ProvenHttpAgent.
  sent.once("socket", (socket: Socket) => {
    mark = complete(socket);
    if (mark !== null) timer.wait("A sign of life of a peer", signTimeoutMs);
    if (mark === null) sent.destroy(new StaleConnection("Its ticket is too old", true));
    else if (body === null) sent.end();
    else sent.flushHeaders();
  });
  sent.once("continue", () => {
    if (body === null) return;
    bodyBegun = true;
    timer.stop();
    sent.once("finish", waitForAnswer);
    sent.end(body);
  });
  sent.once("information", () => {
    if (body === null) waitForAnswer();
  });
  sent.on("error", (error: NodeJS.ErrnoException) => {
    if (signal.aborted) return reject(signal.reason);
    if (error instanceof PeerError) return reject(error);
    const closed = error.code === "ECONNRESET" || error.code === "EPIPE";
    if (closed && sent.reusedSocket) return reject(new StaleConnection(error.message, true, error));
    const bodyUnsent = body !== null && !bodyBegun;
    reject(new PeerError(error.message, closed || bodyUnsent, error));
  });
  sent.once("close", () => timer.stop());
  const take = (response: IncomingMessage) => {
    timer.stop();
    // The reader of the answer learns of its end; this listener keeps the error from being uncaught.
    response.on("error", () => undefined);
    const { statusCode: status = 0, headers } = response;
    const proven = mark !== null && isProof(headers[markHeader.toLowerCase()], mark);
    if (proven && status !== 421) return resolve(response);
    response.destroy();
    if (proven) return reject(notTheOne({ status, headers }));
    // With the mark the headers are larger than what the client sent, and a server refuses them before its own code runs.
    if (status === 431)
      return reject(new HttpError(431, "The headers are too large", { code: "HEADERS_TOO_LARGE" }));
    // A kept connection may lead to a process that has replaced the one that gave the ticket.
    if (status === 403 && sent.reusedSocket)
      return reject(new StaleConnection("Its ticket is not known", true));
    reject(unproven({ status, headers }));
  };
  if (upgrade) {
    sent.once("upgrade", (response: IncomingMessage, socket: Socket, head: Buffer) => {
      // Kept connections have a timeout, which must not end this request.
      socket.setTimeout(0);
      if (head.length > 0) socket.unshift(head);
      take(response);
    });
  }
  sent.once("response", take);
  return promise;
}
