/**
 * Deepgram's live speech recognition on 127.0.0.1: `/v2/listen` (Flux) and `/v1/listen` (Nova), as the real SDK speaks
 * them. It detects speech by loudness, and silence ends it; the words are from a script.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { type WebSocket, WebSocketServer } from "ws";
import { DeepgramConnection, type DeepgramWorld, type EmittedEvent } from "./deepgram/connection.ts";
import { type DeepgramDelays, type DeepgramTimeouts, defaultTimeouts, published } from "./deepgram/delays.ts";
import { type DeepgramFault, DeepgramFaults } from "./deepgram/faults.ts";
import { FluxRecogniser } from "./deepgram/flux.ts";
import { type AcceptedHandshake, checkKey, judge, refusalBody, refuse } from "./deepgram/handshake.ts";
import { NovaRecogniser } from "./deepgram/nova.ts";
import { type DeepgramScript, defaultScript } from "./deepgram/script.ts";
import { type Emulator, WireLog } from "./emulator.ts";

export { type DeepgramDelays, type DeepgramTimeouts, none, published } from "./deepgram/delays.ts";
export { type DeepgramFault, DeepgramFaults } from "./deepgram/faults.ts";
export type { DeepgramScript } from "./deepgram/script.ts";

export interface DeepgramEmulatorOptions {
  /** The port. Default 0: a free one. */
  readonly port?: number;
  /** The only key that is accepted. Default: every key that does not begin with `wrong`. */
  readonly apiKey?: string;
  /** The delays of its answers. Default {@link published}. */
  readonly delays?: Partial<DeepgramDelays>;
  readonly script?: Partial<DeepgramScript>;
  readonly timeouts?: Partial<DeepgramTimeouts>;
  /** Serve over TLS with this certificate. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface DeepgramEmulator extends Emulator {
  /** The script. It may be changed while the emulator runs, as may all of these. */
  readonly script: DeepgramScript;
  readonly delays: DeepgramDelays;
  readonly timeouts: DeepgramTimeouts;
  readonly faults: DeepgramFaults;
  /** The open connections, oldest first. */
  readonly connections: readonly DeepgramConnection[];
  /**
   * Sends a message over the newest connection (or the given one): a whole one, or parts of a `TurnInfo` (Flux) or
   * `Results` (Nova, its text as `transcript`), whose rest is filled in. With `script.automatic` off, nothing else is sent.
   */
  emit(event: EmittedEvent, connection?: DeepgramConnection): void;
}

/**
 * Log entries: `handshake` (path, search, query, headers, tlsResumed), `open`, `refused` (status), `audio` (bytes, positionMs, speech),
 * `message` (of the client), `sent` (message, and lastSpeechAt: when the last speech before it had arrived), `ping`,
 * `silent`, `idle`, `close` (code, reason), `key_check`. All but the first and the last carry `connection`, its number from 0.
 */
export async function startDeepgram(options: DeepgramEmulatorOptions = {}): Promise<DeepgramEmulator> {
  const emulator = new Server(options);
  await emulator.listen(options.port ?? 0);
  return emulator;
}

class Server implements DeepgramEmulator {
  readonly provider = "deepgram";
  readonly script: DeepgramScript;
  readonly delays: DeepgramDelays;
  readonly timeouts: DeepgramTimeouts;
  readonly faults = new DeepgramFaults();
  readonly log = new WireLog();
  readonly connections: DeepgramConnection[] = [];
  readonly #apiKey: string | null;
  readonly #secure: boolean;
  readonly #world: DeepgramWorld;
  readonly #http: ReturnType<typeof createServer>;
  readonly #webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #sockets = new Set<Duplex>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #opened = 0;

  constructor({ apiKey, delays, script, timeouts, tls }: DeepgramEmulatorOptions) {
    this.#apiKey = apiKey ?? null;
    this.#secure = tls !== undefined;
    this.script = { ...defaultScript(), ...script };
    this.delays = { ...published, ...delays };
    this.timeouts = { ...defaultTimeouts, ...timeouts };
    this.#world = { script: this.script, delays: this.delays, log: this.log, turns: 0 };
    const answer: RequestListener = (request, response) => {
      const known = new URL(request.url ?? "/", "http://localhost").pathname === "/v1/auth/token";
      const refused = known ? checkKey(request, this.#apiKey) : null;
      const status = refused?.status ?? (known ? 200 : 404);
      if (known) this.log.add("key_check", { status, headers: request.headers });
      const requestId = randomUUID();
      const body = refused ? refusalBody(refused, requestId) : {};
      response.writeHead(status, { "content-type": "application/json", "dg-request-id": requestId });
      response.end(JSON.stringify(body));
    };
    this.#http = tls ? createTlsServer(tls, answer) : createServer(answer);
    this.#http.on("upgrade", (request, socket, head) => this.#shakeHands(request, socket, head));
    this.#http.on(tls ? "secureConnection" : "connection", (socket: Duplex) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  get url(): string {
    const { port } = this.#http.address() as AddressInfo;
    return `${this.#secure ? "https" : "http"}://127.0.0.1:${port}`;
  }

  get environment(): Readonly<Record<string, string>> {
    return { DEEPGRAM_API_KEY: this.#apiKey ?? "emulated", DEEPGRAM_BASE_URL: this.url };
  }

  async listen(port: number): Promise<void> {
    this.#http.listen(port, "127.0.0.1");
    await once(this.#http, "listening");
  }

  emit(event: EmittedEvent, connection = this.connections.at(-1)): void {
    if (connection === undefined) throw new Error("No connection is open");
    connection.emit(event);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#webSockets.clients) socket.terminate();
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#http.listening) return;
    this.#http.close();
    await once(this.#http, "close");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #shakeHands(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const fault = this.faults.take();
    const { pathname, search, searchParams } = new URL(request.url ?? "/", "http://localhost");
    this.log.add("handshake", {
      path: pathname,
      search,
      query: Object.fromEntries(searchParams),
      headers: request.headers,
      tlsResumed: socket instanceof TLSSocket && socket.isSessionReused(),
    });
    if (fault.hangs) {
      // Reading goes on, to notice when the client disconnects.
      socket.on("end", () => socket.destroy()).resume();
      return;
    }
    if (fault.cutsHandshake) {
      socket.destroy();
      return;
    }
    const answer = () => {
      if (socket.destroyed) return;
      const verdict = judge(request, fault, this.#apiKey);
      if ("status" in verdict) {
        this.log.add("refused", { status: verdict.status, code: verdict.code });
        refuse(socket, verdict, fault);
        return;
      }
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) =>
        this.#open(webSocket, verdict, fault),
      );
    };
    if (fault.handshakeDelayMs === undefined) {
      answer();
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      answer();
    }, fault.handshakeDelayMs);
    this.#timers.add(timer);
  }

  #open(socket: WebSocket, { version, query, requestId }: AcceptedHandshake, fault: DeepgramFault): void {
    const index = this.#opened++;
    this.log.add("open", { connection: index, requestId });
    const connection = new DeepgramConnection({
      world: this.#world,
      socket,
      index,
      requestId,
      query,
      fault,
      idleMs: version === 2 ? this.timeouts.fluxIdleMs : this.timeouts.novaIdleMs,
      aliveBy: version === 2 ? "ping" : "message",
      recogniser: (own) => (version === 2 ? new FluxRecogniser(own) : new NovaRecogniser(own)),
    });
    this.connections.push(connection);
    socket.on("close", () => this.connections.splice(this.connections.indexOf(connection), 1));
  }
}
