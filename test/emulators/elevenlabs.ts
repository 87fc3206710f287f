/**
 * ElevenLabs' text to speech on 127.0.0.1: `/v1/text-to-speech/{voice}/stream` and `/stream/with-timestamps`, checked and
 * answered as the real service does. Its voice is tones that tell which character they speak (see `elevenlabs/tone.ts`).
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { now } from "../../src/shared/protocol.ts";
import { defaultAccount, type ElevenlabsAccount } from "./elevenlabs/account.ts";
import { answer } from "./elevenlabs/answer.ts";
import { checkKey, checkOrder, checkVoice, type SpeechOrder } from "./elevenlabs/checks.ts";
import { type ElevenlabsDelays, published } from "./elevenlabs/delays.ts";
import { type ElevenlabsFault, ElevenlabsFaults, encoders } from "./elevenlabs/faults.ts";
import { type Refusal, refuse, withRequestId } from "./elevenlabs/refusal.ts";
import { defaultScript, type ElevenlabsScript } from "./elevenlabs/script.ts";
import { charactersOf } from "./elevenlabs/tone.ts";
import { type Emulator, WireLog } from "./emulator.ts";

export { concurrencyOfPlan, type ElevenlabsAccount } from "./elevenlabs/account.ts";
export { type ElevenlabsDelays, none, published, slow } from "./elevenlabs/delays.ts";
export { type ElevenlabsFault, ElevenlabsFaults } from "./elevenlabs/faults.ts";
export type { ElevenlabsScript } from "./elevenlabs/script.ts";

export interface ElevenlabsEmulatorOptions {
  /** The port. Default 0: a free one. */
  readonly port?: number;
  /** The delays of its answers. Default {@link published}. */
  readonly delays?: Partial<ElevenlabsDelays>;
  readonly script?: Partial<ElevenlabsScript>;
  readonly account?: Partial<ElevenlabsAccount>;
  /** The time that an unused connection is kept, in milliseconds. Default 60,000. */
  readonly keepAliveMs?: number;
  /** Serve over TLS with this certificate. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface ElevenlabsEmulator extends Emulator {
  /** The delays. They may be changed while the emulator runs, as may all of these. */
  readonly delays: ElevenlabsDelays;
  readonly script: ElevenlabsScript;
  readonly account: ElevenlabsAccount;
  readonly faults: ElevenlabsFaults;
  /** Connections that were made so far, and those that are open. */
  readonly connections: { readonly made: number; readonly open: number };
  /** Requests for speech under way. */
  readonly speaking: number;
}

/**
 * Log entries: `connection`, `disconnection` (connection), `request` (connection, method, path, query, headers, body),
 * `refused` (status), `first_byte`, `end` (soundMs, characters), `gone`: the client closed the connection before the end.
 * Those of a request carry its number, from 0, as `request`; so do those for speech alone as `speech`: true.
 */
export async function startElevenlabs(options: ElevenlabsEmulatorOptions = {}): Promise<ElevenlabsEmulator> {
  const emulator = new Server(options);
  await emulator.listen(options.port ?? 0);
  return emulator;
}

interface Request {
  readonly number: number;
  readonly arrivedAt: number;
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

class Server implements ElevenlabsEmulator {
  readonly provider = "elevenlabs";
  readonly delays: ElevenlabsDelays;
  readonly script: ElevenlabsScript;
  readonly account: ElevenlabsAccount;
  readonly faults = new ElevenlabsFaults();
  readonly log = new WireLog();
  readonly #secure: boolean;
  readonly #http: ReturnType<typeof createServer>;
  readonly #sockets = new Map<Duplex, number>();
  #made = 0;
  #requests = 0;
  #speaking = 0;

  constructor({ delays, script, account, keepAliveMs = 60_000, tls }: ElevenlabsEmulatorOptions) {
    this.#secure = tls !== undefined;
    this.delays = { ...published, ...delays };
    this.script = { ...defaultScript(), ...script };
    this.account = { ...defaultAccount(), ...account };
    const listener: RequestListener = (incoming, response) => void this.#receive(incoming, response);
    this.#http = tls ? createTlsServer(tls, listener) : createServer(listener);
    this.#http.keepAliveTimeout = keepAliveMs;
    this.#http.on(tls ? "secureConnection" : "connection", (socket: Duplex) => {
      const connection = this.#made++;
      this.#sockets.set(socket, connection);
      this.log.add("connection", { connection });
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        this.log.add("disconnection", { connection });
      });
    });
  }

  get url(): string {
    const { port } = this.#http.address() as AddressInfo;
    return `${this.#secure ? "https" : "http"}://127.0.0.1:${port}`;
  }

  get environment(): Readonly<Record<string, string>> {
    return { ELEVENLABS_API_KEY: this.account.apiKey ?? "emulated", ELEVENLABS_BASE_URL: this.url };
  }

  get connections() {
    return { made: this.#made, open: this.#sockets.size };
  }

  get speaking(): number {
    return this.#speaking;
  }

  async listen(port: number): Promise<void> {
    this.#http.listen(port, "127.0.0.1");
    await once(this.#http, "listening");
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.keys()) socket.destroy();
    if (!this.#http.listening) return;
    this.#http.close();
    await once(this.#http, "close");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #receive(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const number = this.#requests++;
    const connection = this.#sockets.get(incoming.socket);
    const { pathname: path, searchParams: query } = new URL(`http://localhost${incoming.url ?? "/"}`);
    const speech = incoming.method === "POST" && path.startsWith("/v1/text-to-speech/");
    response.on("close", () => {
      if (!response.writableFinished) this.log.add("gone", { request: number, speech });
    });
    try {
      const body = await readJson(incoming);
      const arrivedAt = now();
      const { method, headers } = incoming;
      const told = { connection, method, path, query: Object.fromEntries(query), headers, body };
      this.log.add("request", { request: number, speech, ...told });
      const request = { number, arrivedAt, incoming, response, path, query, body };
      if (speech) await this.#speak(request, this.faults.take());
      else this.#tell(request);
    } catch {
      // The client has gone, which the log tells already.
    }
  }

  /** Answers what is not speech, as much as a client needs that looks around. */
  #tell({ number, incoming, response, path }: Request): void {
    const refused = checkKey(incoming.headers, this.account);
    const voice = /^\/v1\/voices\/([^/]+)$/.exec(path)?.[1];
    const known = path === "/v1/voices" || path === "/v1/user" || voice !== undefined;
    const verdict = !known
      ? { status: 404, body: { detail: "Not Found" } }
      : (refused ??
        (this.account.restrictedKey
          ? refuse(401, "missing_permissions", "The API key is missing the permission voices_read")
          : checkVoice(decodeURIComponent(voice ?? ""), this.account)));
    if (verdict !== null) {
      this.#refuse(number, response, verdict, {});
      return;
    }
    const voices = [{ voice_id: voice ?? "JBFqnCBsd6RMkjVDRZzb", name: "George", category: "premade" }];
    const { credits } = this.account;
    const user = {
      subscription: { tier: "pro", character_limit: Number.isFinite(credits) ? credits : null },
    };
    const found = voice === undefined ? { voices } : voices[0];
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(path === "/v1/user" ? user : found));
  }

  async #speak(request: Request, fault: ElevenlabsFault): Promise<void> {
    const { number, response, incoming, path, arrivedAt } = request;
    if (fault.hangs) return;
    if (fault.resets) {
      incoming.socket.destroy();
      return;
    }
    if (fault.status !== undefined) {
      this.#refuse(number, response, refuse(fault.status, fault.code, fault.message), fault);
      return;
    }
    const order = this.#judge(request);
    if ("status" in order) {
      this.#refuse(number, response, order, fault);
      return;
    }
    const cost = charactersOf(order.text).length;
    this.account.credits -= cost;
    this.#speaking++;
    const gone = new AbortController();
    response.once("close", () => {
      this.#speaking--;
      gone.abort();
    });
    await answer({
      order,
      timed: path.endsWith("/with-timestamps"),
      response,
      fault,
      delays: this.delays,
      script: this.script,
      headers: {
        "request-id": `emulated-${number}`,
        "character-cost": String(cost),
        "current-concurrent-requests": String(this.#speaking),
        "maximum-concurrent-requests": String(this.account.maxConcurrentRequests),
      },
      log: this.log,
      request: number,
      arrivedAt,
      signal: gone.signal,
    });
  }

  #judge({ incoming, path, query, body }: Request): SpeechOrder | Refusal {
    const match = /^\/v1\/text-to-speech\/([^/]+)\/stream(\/with-timestamps)?$/.exec(path);
    if (match === null) return { status: 404, body: { detail: "Not Found" } };
    const refused =
      checkKey(incoming.headers, this.account) ?? checkVoice(decodeURIComponent(match[1]!), this.account);
    if (refused !== null) return refused;
    const order = checkOrder(query, body);
    if ("status" in order) return order;
    return this.#admit(charactersOf(order.text).length) ?? order;
  }

  #admit(cost: number): Refusal | null {
    const { credits, maxConcurrentRequests } = this.account;
    if (cost > credits) {
      return refuse(
        402,
        "insufficient_credits",
        `This request exceeds your quota. You have ${credits} credits remaining, while ${cost} credits are required for this request.`,
      );
    }
    if (this.#speaking < maxConcurrentRequests) return null;
    return refuse(
      429,
      "too_many_concurrent_requests",
      `Too many concurrent requests. Your current subscription is associated with a maximum of ${maxConcurrentRequests} concurrent requests (running in parallel).`,
    );
  }

  /** The id of a refused request stands in a header of its own name, and in the body. */
  #refuse(number: number, response: ServerResponse, refusal: Refusal, fault: ElevenlabsFault): void {
    const { status } = refusal;
    this.log.add("refused", { request: number, status });
    const id = `emulated-${number}`;
    const said = fault.body ?? withRequestId(refusal, id).body;
    const accepted = String(response.req.headers["accept-encoding"] ?? "");
    const encoding = fault.encoding ?? (/\bgzip\b/.test(accepted) ? "gzip" : null);
    response.writeHead(status, {
      server: "uvicorn",
      "content-type": typeof said === "string" ? "text/plain" : "application/json",
      "x-trace-id": id,
      ...(encoding === null ? {} : { "content-encoding": encoding }),
      ...(fault.retryAfterSeconds === undefined ? {} : { "retry-after": String(fault.retryAfterSeconds) }),
      ...(fault.location === undefined ? {} : { location: fault.location }),
    });
    const text = typeof said === "string" ? said : JSON.stringify(said);
    const bytes = encoding === null ? text : encoders[encoding](text);
    if (fault.endlessBody) response.write(bytes);
    else response.end(bytes);
  }
}

/** The body, `undefined` where there is none, `null` where it is no JSON. */
async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const read: Buffer[] = [];
  for await (const piece of incoming) read.push(piece as Buffer);
  if (read.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(read)));
  } catch {
    return null;
  }
}
