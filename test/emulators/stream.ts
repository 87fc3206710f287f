/**
 * Stream's video calls on 127.0.0.1: the coordinator's REST and websocket, and SFUs with their websockets, their Twirp in JSON and in
 * protobuf, and media that forwards each participant's sound to the others. Stream's own browser client joins it as it is.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { type Emulator, WireLog } from "./emulator.ts";
import { Call } from "./stream/call.ts";
import { coordinate, Refusal } from "./stream/coordinator/coordinator.ts";
import { CoordinatorSockets } from "./stream/coordinator/coordinator-sockets.ts";
import { readToken, signToken, tokenFaults } from "./stream/coordinator/token.ts";
import { StreamFaults } from "./stream/faults.ts";
import { callPage } from "./stream/page/call-page.ts";
import { defaultRules, type StreamRules } from "./stream/rules.ts";
import { Edge } from "./stream/sfu/edge.ts";
import type { User, World } from "./stream/world.ts";

export { Call } from "./stream/call.ts";
export {
  type CandidateOrder,
  type CoordinatorFault,
  type JoinFault,
  type OfferFault,
  type PathFault,
  type RpcFault,
  StreamFaults,
  tokenExpired,
} from "./stream/faults.ts";
export type { Participant } from "./stream/participant.ts";
export type { IceServer, StreamRules } from "./stream/rules.ts";
export type { Edge } from "./stream/sfu/edge.ts";

export interface StreamEmulatorOptions {
  /** The port. Default 0: a free one. */
  readonly port?: number;
  /** The API key. Default `emulated`. */
  readonly apiKey?: string;
  /** The API secret. Default `emulated-secret`. */
  readonly apiSecret?: string;
  /** SFUs that a call may be on. Default 2. */
  readonly edges?: number;
  readonly rules?: Partial<StreamRules>;
}

export interface StreamEmulator extends Emulator {
  readonly apiKey: string;
  readonly apiSecret: string;
  /** The rules. They may be changed while the emulator runs, as may `faults`. */
  readonly rules: StreamRules;
  readonly faults: StreamFaults;
  readonly edges: readonly Edge[];
  readonly calls: ReadonlyMap<string, Call>;
  /** A call by `<type>:<id>`; made where there is none. */
  call(cid: string): Call;
  /** Returns the emulator's own time, in epoch milliseconds: `rules.clockAheadMs` shifts it. */
  now(): number;
  /** A token as a server makes it for a user, good for an hour. */
  userToken(userId: string, lifetimeSeconds?: number): string;
  /** Open TCP connections and websockets, of all kinds. */
  readonly connections: number;
}

/**
 * Log entries. Of the coordinator: `request` (method, path, query, headers, body, claims, status, answer), `telemetry`,
 * `coordinator_open`, `coordinator_message`, `coordinator_event`, `coordinator_close`. Of an edge, all with `edge`, and with `user` and
 * `session` once known: `open` (query), `join` (request, bytes), `joined` (reconnected), `join_refused` (code), `health`, `leave` (reason),
 * `close` (code, reason), `sent` (event, details), `rpc` (method, encoding, request, unknown, bytes), `rpc_refused` (method, status),
 * `offer`, `answered`, `answer_ignored`, `offer_failed`, `candidate_ignored`, `state` (peer, state), `sound`: the first packet of a
 * track, `moved` and `gone` (reason): `left`, `closed`, `signal_lost`, `superseded`, `kicked`, `call_ended` or `forgotten`.
 */
export async function startStream(options: StreamEmulatorOptions = {}): Promise<StreamEmulator> {
  const emulator = new Server(options);
  await emulator.listen(options.port ?? 0);
  return emulator;
}

const cors = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "*",
  "access-control-allow-headers":
    "authorization, stream-auth-type, x-stream-client, x-client-request-id, content-type",
  "access-control-expose-headers": "x-amz-cf-pop",
  "access-control-max-age": "600",
};

class Server implements StreamEmulator, World {
  readonly provider = "stream";
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly rules: StreamRules;
  readonly faults = new StreamFaults();
  readonly log = new WireLog();
  readonly calls = new Map<string, Call>();
  readonly users = new Map<string, User>();
  readonly edges: readonly Edge[];
  readonly coordinatorSockets = new CoordinatorSockets(this);
  readonly #http = createServer((request, response) => void this.#receive(request, response));
  readonly #webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #sockets = new Set<Duplex>();

  constructor({ apiKey, apiSecret, edges = 2, rules }: StreamEmulatorOptions) {
    this.apiKey = apiKey ?? "emulated";
    this.apiSecret = apiSecret ?? "emulated-secret";
    this.rules = { ...defaultRules(), ...rules };
    this.edges = Array.from({ length: edges }, (_, index) => new Edge(this, `sfu-${index + 1}`));
    this.#http.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.#http.on("connection", (socket: Duplex) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  get url(): string {
    const { port } = this.#http.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  get environment(): Readonly<Record<string, string>> {
    return {
      STREAM_API_KEY: this.apiKey,
      STREAM_API_SECRET: this.apiSecret,
      STREAM_BASE_URL: this.url,
      EXAMPLE_BASE_URL: this.url,
    };
  }

  get connections(): number {
    return this.#sockets.size;
  }

  async listen(port: number): Promise<void> {
    this.#http.listen(port, "127.0.0.1");
    await once(this.#http, "listening");
  }

  call(cid: string): Call {
    const [type = "", id = ""] = cid.split(/:(.*)/s);
    const call = this.calls.get(cid) ?? new Call(type, id, "emulator");
    this.calls.set(cid, call);
    return call;
  }

  now(): number {
    return Date.now() + this.rules.clockAheadMs;
  }

  userToken(userId: string, lifetimeSeconds = 3_600): string {
    const seconds = Math.floor(this.now() / 1_000);
    return signToken({ user_id: userId, iat: seconds, exp: seconds + lifetimeSeconds }, this.apiSecret);
  }

  async close(): Promise<void> {
    for (const edge of this.edges) edge.close();
    for (const socket of this.#webSockets.clients) socket.terminate();
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#http.listening) return;
    this.#http.close();
    await once(this.#http, "close");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #edge(path: string): readonly [edge: Edge | undefined, rest: string] {
    const [, name, rest = ""] = /^\/edges\/([^/]+)\/(.*)$/.exec(path) ?? [];
    return [this.edges.find((edge) => edge.name === name), rest];
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(cors)) response.setHeader(name, value);
    response.sendDate = false;
    if (this.rules.tellsDate) response.setHeader("date", new Date(this.now()).toUTCString());
    const { pathname, searchParams: query } = new URL(request.url ?? "/", "http://localhost");
    const path = pathname.replace(/^\/api\/v2/, "");
    try {
      const read: Buffer[] = [];
      for await (const piece of request) read.push(piece as Buffer);
      const body = Buffer.concat(read);
      if (request.method === "OPTIONS") return void response.writeHead(204).end();
      // Where a client asks which location is near it.
      if (path === "/hint") return void response.writeHead(200, { "x-amz-cf-pop": "AMS1-P2" }).end();
      const page = await callPage(pathname);
      if (page) return void response.writeHead(200, { "content-type": page.type }).end(page.body);
      const [edge, rest] = this.#edge(pathname);
      if (edge) await edge.answer(request, response, rest.replace(/^twirp\//, ""), body);
      else await this.#coordinate(request, response, path, query, body);
    } catch (error) {
      this.log.add("failed", { path, message: (error as Error).stack });
      if (!response.headersSent) response.writeHead(500);
      response.end();
    }
  }

  async #coordinate(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: URLSearchParams,
    raw: Buffer,
  ): Promise<void> {
    const { method = "", headers } = request;
    const body = raw.length === 0 ? {} : JSON.parse(raw.toString());
    const send = (status: number, answer: object, extra: Readonly<Record<string, string>> = {}) => {
      response.writeHead(status, { "content-type": "application/json", ...extra });
      response.end(JSON.stringify({ duration: "1.00ms", ...answer }));
    };
    // Without a token, and of no consequence.
    if (path === "/video/call_client_event") {
      this.log.add("telemetry", { body });
      return send(201, {});
    }
    const claims = readToken(headers.authorization ?? "", this.apiSecret, this.now());
    const told = { method, path, query: Object.fromEntries(query), headers, body, claims };
    const refuse = (status: number, code: number, message: string, unrecoverable = false, after?: number) => {
      this.log.add("request", { ...told, status });
      const answer = { code, message, StatusCode: status, details: [], more_info: "", unrecoverable };
      send(status, answer, after === undefined ? {} : { "retry-after": String(after) });
    };
    const fault = this.faults.takeCoordinator(path);
    if (fault.hangs || fault.cuts) {
      this.log.add("request", { ...told, status: null });
      if (fault.cuts) request.socket.destroy();
      return;
    }
    if (fault.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    if (fault.status !== undefined) {
      if (fault.body !== undefined) {
        this.log.add("request", { ...told, status: fault.status });
        response.writeHead(fault.status, { "content-type": "text/html" }).end(fault.body);
        return;
      }
      const { status, code = 9, message = "refused by a test", unrecoverable, retryAfterSeconds } = fault;
      return refuse(status, code, message, unrecoverable, retryAfterSeconds);
    }
    if (query.get("api_key") !== this.apiKey) return refuse(401, 2, "api_key not found");
    if (typeof claims === "string") {
      const [code, message] = tokenFaults[claims];
      return refuse(401, code, message);
    }
    try {
      const [status, answer] = coordinate(this, { method, path, query, body, claims });
      this.log.add("request", { ...told, status, answer });
      send(status, answer);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refuse(error.status, error.code, error.message);
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const query = Object.fromEntries(searchParams);
    const accept = (open: (webSocket: WebSocket) => void) =>
      this.#webSockets.handleUpgrade(request, socket, head, open);
    if (/\/video\/connect$|\/api\/v2\/connect$/.test(pathname)) {
      this.log.add("coordinator_open", { path: pathname, query });
      accept((webSocket) => this.coordinatorSockets.accept(webSocket));
      return;
    }
    const [edge, rest] = this.#edge(pathname);
    const fault = this.faults.takeJoin();
    const status = fault.status ?? (edge && rest === "ws" ? null : 404);
    if (edge === undefined || status !== null) {
      socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    accept((webSocket) => edge.accept(webSocket, query, fault));
  }
}
