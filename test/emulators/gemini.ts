import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { type Emulator, WireLog } from "./emulator.ts";
import { defaultScript } from "./gemini/default-script.ts";
import { type GeminiDelays, geminiDelays } from "./gemini/delays.ts";
import { Exchange } from "./gemini/exchange.ts";
import { GeminiFaults } from "./gemini/faults.ts";
import type { GeminiScript } from "./gemini/script.ts";

export { type GeminiDelays, geminiDelays } from "./gemini/delays.ts";
export type { GeminiFault } from "./gemini/faults.ts";
export type { GeminiCall, GeminiRequest, GeminiScript, GeminiStep, WireContent } from "./gemini/script.ts";

export interface GeminiOptions {
  /** The port. Default 0: any that is free. */
  readonly port?: number;
  /** The only valid key. Default: every key that does not begin with `wrong`. */
  readonly apiKey?: string;
  /** The delays of its answers. Default: those that are published of gemini-2.5-flash-lite. */
  readonly delays?: GeminiDelays;
  /** The script of its answers. Default: rules for a conversation. */
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
 * `models/{model}`. Its log has `request` (with `body`), then its `first_byte`, a `token` for each chunk with something that
 * the model wrote (with `text`), and `end` (with `status`) or `aborted` (the client closed the connection before the end),
 * each with the number of the `request`; `lookup` for everything else that is asked; `connection` and `connection_closed`.
 */
export class GeminiEmulator implements Emulator {
  readonly provider = "gemini";
  readonly log = new WireLog();
  /** The faults of the next requests for an answer. */
  readonly faults = new GeminiFaults();
  delays: GeminiDelays;
  script: GeminiScript;
  readonly #apiKey: string | undefined;
  readonly #server: Server;
  readonly #scheme: string;
  readonly #sockets = new Map<Socket, { readonly connection: number; used: boolean }>();
  readonly #signatures = new Set<string>();
  #port = 0;
  #connections = 0;
  #requests = 0;

  constructor({ apiKey, delays = geminiDelays.published, script = defaultScript, tls }: GeminiOptions) {
    this.#apiKey = apiKey;
    this.delays = delays;
    this.script = script;
    const serve = (request: IncomingMessage, response: ServerResponse) => this.#serve(request, response);
    this.#scheme = tls === undefined ? "http" : "https";
    this.#server = tls === undefined ? createServer(serve) : createSecureServer(tls, serve);
    // Like Google's, it keeps a connection for minutes, without a header that says how long.
    this.#server.keepAliveTimeout = 0;
    this.#server.on(tls === undefined ? "connection" : "secureConnection", (socket) =>
      this.#connected(socket),
    );
  }

  async listen(port: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject).listen(port, "127.0.0.1", resolve);
    await promise;
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.#port}`;
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

  /** Closes idle connections, as the real one does after minutes without use. */
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

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const socket = this.#sockets.get(request.socket);
    const exchange = new Exchange(++this.#requests, request, response, {
      apiKey: this.#apiKey,
      delays: this.delays,
      script: this.script,
      faults: this.faults,
      signatures: this.#signatures,
      log: this.log,
      connection: socket?.connection ?? 0,
      first: socket?.used === false,
    });
    if (socket !== undefined) socket.used = true;
    void exchange.run();
  }
}
