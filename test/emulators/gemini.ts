import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { json } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { type Emulator, WireLog } from "./emulator.ts";
import { WireAnswer, type WireChunk } from "./gemini/answer.ts";
import { defaultScript } from "./gemini/default-script.ts";
import { type GeminiDelays, geminiDelays } from "./gemini/delays.ts";
import { ApiFault, badKey, retryInfo } from "./gemini/error-answer.ts";
import { type GeminiFault, GeminiFaults } from "./gemini/faults.ts";
import { checkRequest } from "./gemini/request-check.ts";
import type { GeminiRequest, GeminiScript } from "./gemini/script.ts";

export { type GeminiDelays, geminiDelays } from "./gemini/delays.ts";
export type { GeminiFault } from "./gemini/faults.ts";
export type { GeminiCall, GeminiRequest, GeminiScript, GeminiStep, WireContent } from "./gemini/script.ts";

export interface GeminiOptions {
  /** Default 0: any that is free. */
  readonly port?: number;
  /** The only key that is right. Default: any is. */
  readonly apiKey?: string;
  /** Default: those that are published of gemini-2.5-flash-lite. */
  readonly delays?: GeminiDelays;
  /** Default: rules, by which one can talk to it. */
  readonly script?: GeminiScript;
  /** Serves https with these, in PEM. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** Listens on 127.0.0.1. */
export async function startGemini(options: GeminiOptions = {}): Promise<GeminiEmulator> {
  const emulator = new GeminiEmulator(options);
  await emulator.listen(options.port ?? 0);
  return emulator;
}

/**
 * The Gemini API as a voice agent uses it: `models/{model}:streamGenerateContent` by server-sent events, and
 * `models/{model}`. Its log has `connection`, `request` (with `body`), `first_byte`, `end` (with `status`) and `aborted`
 * (the client closed the connection before the end), each with the number of its `connection` or `request`.
 */
export class GeminiEmulator implements Emulator {
  readonly provider = "gemini";
  readonly log = new WireLog();
  /** What goes wrong with the next requests for an answer. */
  readonly faults = new GeminiFaults();
  delays: GeminiDelays;
  script: GeminiScript;
  readonly #apiKey: string | undefined;
  readonly #server: Server;
  readonly #scheme: string;
  readonly #sockets = new Map<Socket, { readonly connection: number; used: boolean }>();
  readonly #signatures = new Set<string>();
  #connections = 0;
  #requests = 0;

  constructor({ apiKey, delays = geminiDelays.published, script = defaultScript, tls }: GeminiOptions) {
    this.#apiKey = apiKey;
    this.delays = delays;
    this.script = script;
    const serve = (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response);
    this.#scheme = tls === undefined ? "http" : "https";
    this.#server = tls === undefined ? createServer(serve) : createSecureServer(tls, serve);
    // Like Google's, it keeps a connection for minutes and does not tell how long.
    this.#server.keepAliveTimeout = 0;
    this.#server.on(tls === undefined ? "connection" : "secureConnection", (socket) =>
      this.#connected(socket),
    );
  }

  async listen(port: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject).listen(port, "127.0.0.1", resolve);
    await promise;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get environment(): Readonly<Record<string, string>> {
    return { GOOGLE_GEMINI_BASE_URL: this.url, GOOGLE_API_KEY: this.#apiKey ?? "emulated" };
  }

  /** Connections so far. */
  get connections(): number {
    return this.#connections;
  }

  /** Connections that are open. */
  get openConnections(): number {
    return this.#sockets.size;
  }

  /** What the real one does with a connection that has not been used for minutes. */
  closeIdleConnections(): void {
    this.#server.closeIdleConnections();
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const socket of this.#sockets.keys()) socket.destroy();
    await promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #connected(socket: Socket): void {
    const connection = ++this.#connections;
    this.#sockets.set(socket, { connection, used: false });
    this.log.add("connection", { connection });
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.log.add("connection_closed", { connection });
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const number = ++this.#requests;
    const gone = new AbortController();
    let given = false;
    response.once("close", () => {
      gone.abort();
      if (response.writableFinished) this.log.add("end", { request: number, status: response.statusCode });
      else if (!given) this.log.add("aborted", { request: number });
    });
    try {
      await this.#answer(request, response, number, gone.signal);
    } catch (error) {
      if (gone.signal.aborted) return;
      if (error instanceof Cut) {
        given = true;
        response.destroy();
        return;
      }
      const fault = error instanceof ApiFault ? error : new ApiFault(500, String(error));
      response.writeHead(fault.status, { "content-type": "application/json; charset=UTF-8" });
      response.end(`${JSON.stringify(fault.body, null, 2)}\n`);
    }
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    number: number,
    signal: AbortSignal,
  ): Promise<void> {
    const socket = this.#sockets.get(request.socket);
    const body = request.method === "POST" ? ((await json(request)) as GeminiRequest) : undefined;
    const { "x-goog-api-key": key, ...headers } = request.headers;
    const { pathname } = new URL(request.url ?? "/", this.url);
    const method = request.method ?? "";
    this.log.add("request", {
      request: number,
      connection: socket?.connection,
      method,
      path: pathname,
      headers,
      body,
    });
    if (socket?.used === false) {
      socket.used = true;
      await wait(this.delays.handshakeMs, signal);
    }
    const [, version, model, action] = /^\/(v1|v1beta)\/models\/([\w.-]+)(?::(\w+))?$/.exec(pathname) ?? [];
    if (version === undefined || model === undefined) throw new ApiFault(404, "Not Found");
    if (key === undefined) throw new ApiFault(403, "Method doesn't allow unregistered callers.");
    if (this.#apiKey !== undefined && key !== this.#apiKey) throw badKey();
    if (!model.startsWith("gemini-") || (version === "v1" && model.endsWith("-latest"))) {
      throw new ApiFault(
        404,
        `models/${model} is not found for API version ${version}, or is not supported.`,
      );
    }
    if (method === "GET" && action === undefined) {
      response.writeHead(200, { "content-type": "application/json; charset=UTF-8" });
      response.end(JSON.stringify({ name: `models/${model}`, displayName: model, version: "001" }));
    } else if (method === "POST" && action === "streamGenerateContent" && body !== undefined) {
      const fault = this.faults.take();
      if (fault !== undefined) await this.#failBefore(fault, signal);
      checkRequest(body, model, this.#signatures);
      await wait(this.delays.firstTokenMs, signal);
      const steps = await this.script(body, model);
      const answer = new WireAnswer(body, model, () => this.#sign());
      await this.#stream(response, answer.chunks(steps), fault, number, signal);
    } else {
      throw new ApiFault(404, "Not Found");
    }
  }

  async #failBefore(fault: GeminiFault, signal: AbortSignal): Promise<void> {
    switch (fault.kind) {
      case "status": {
        const details = fault.retryDelay === undefined ? [] : [retryInfo(fault.retryDelay)];
        throw new ApiFault(fault.status, fault.message, details);
      }
      case "slow_headers":
        return wait(fault.ms, signal);
      case "hang":
        return ever(signal);
      case "reset":
        throw new Cut();
      default:
        return;
    }
  }

  async #stream(
    response: ServerResponse,
    chunks: Iterable<WireChunk>,
    fault: GeminiFault | undefined,
    number: number,
    signal: AbortSignal,
  ): Promise<void> {
    response.writeHead(200, { "content-type": "text/event-stream" });
    let written = 0;
    for (const { body, token } of chunks) {
      if (written > 0 && token) await wait(this.delays.tokenMs, signal);
      const event = `data: ${JSON.stringify(body)}\r\n\r\n`;
      if (fault !== undefined && "afterChunks" in fault && fault.afterChunks === written) {
        if (fault.kind === "stall") {
          response.flushHeaders();
          await ever(signal);
        }
        if (fault.kind === "garbage") response.write('data: {"candidates":[{"content":\r\n\r\n');
        if (fault.kind === "error_chunk") {
          response.end(`data: ${JSON.stringify(new ApiFault(fault.status).body)}\r\n\r\n`);
          return;
        }
        if (fault.kind === "cut") {
          await new Promise((resolve) => response.write(event.slice(0, event.length / 2), resolve));
          throw new Cut();
        }
      }
      if (fault?.kind === "odd_chunks") await writePieces(response, Buffer.from(event), fault.bytes);
      else response.write(event);
      if (written++ === 0) this.log.add("first_byte", { request: number });
      signal.throwIfAborted();
    }
    response.end();
  }

  #sign(): string {
    const signature = randomBytes(24).toString("base64");
    this.#signatures.add(signature);
    return signature;
  }
}

/** The emulator itself closes a connection. */
class Cut extends Error {}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal });
}

function ever(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

async function writePieces(response: ServerResponse, bytes: Buffer, size: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += size) {
    await new Promise((resolve) => response.write(bytes.subarray(at, at + size), resolve));
  }
}
