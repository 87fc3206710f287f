/**
 * Cartesia on 127.0.0.1: the voices of Sonic by `/tts/websocket`, and the recogniser Ink by `/stt/turns/websocket`, as its documents and
 * the types of its client have them. The voice is tones that tell which character they speak (see `elevenlabs/tone.ts`).
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { type CartesiaAccount, defaultAccount } from "./cartesia/account.ts";
import { CartesiaFaults, type ConnectionFault } from "./cartesia/faults.ts";
import { Refusal, tooMany, usualRefusal } from "./cartesia/refusal.ts";
import { type CartesiaScript, defaultScript } from "./cartesia/script.ts";
import { SpeechConnection, type SpeechWorld } from "./cartesia/speech.ts";
import { TurnsConnection } from "./cartesia/turns.ts";
import { readTurnsQuery } from "./cartesia/turns-check.ts";
import { type Emulator, isRightKey } from "./emulator.ts";
import { type Certificate, HttpServer } from "./http-server.ts";

export type { CartesiaAccount } from "./cartesia/account.ts";
export { Refusal } from "./cartesia/refusal.ts";
export type { CartesiaScript } from "./cartesia/script.ts";

export interface CartesiaEmulatorOptions {
  /** The port. Default 0: a free one. */
  readonly port?: number;
  readonly script?: Partial<CartesiaScript>;
  readonly account?: Partial<CartesiaAccount>;
  /** Serve over TLS with this certificate. */
  readonly tls?: Certificate;
}

/** The delays of answers: the model's 90 ms to the first sound and the network, as Cartesia publishes them, or none. */
export const published = { firstPieceMs: 130, speed: 8 } as const;

export async function startCartesia(options: CartesiaEmulatorOptions = {}): Promise<CartesiaEmulator> {
  const emulator = new CartesiaEmulator(options);
  await emulator.listen(options.port ?? 0);
  return emulator;
}

/**
 * Log entries: `handshake` (path, query, headers), `refused` (status), `speech_open`, `speech_request` (body), `speech_first_piece`,
 * `speech_sent`, `speech_cancel`, `speech_done`, `speech_close`; `turns_open`, `turns_audio` (bytes), `turns_message`, `turns_sent`,
 * `turns_close`. Those of a WebSocket carry its number from 0.
 */
export class CartesiaEmulator extends HttpServer implements Emulator {
  readonly provider = "cartesia";
  readonly script: CartesiaScript;
  readonly account: CartesiaAccount;
  readonly faults = new CartesiaFaults();
  /** The open connections, oldest first. */
  readonly speech: SpeechConnection[] = [];
  readonly turns: TurnsConnection[] = [];
  readonly #world: SpeechWorld;
  readonly #webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  #opened = { speech: 0, turns: 0 };

  constructor({ script, account, tls }: CartesiaEmulatorOptions) {
    super(tls);
    this.script = { ...defaultScript(), ...script };
    this.account = { ...defaultAccount(), ...account };
    const { faults, log } = this;
    this.#world = { script: this.script, account: this.account, faults, log, speaking: 0 };
    this.serveUpgrades((request, socket, head) => this.#shakeHands(request, socket, head));
  }

  get url(): string {
    return this.origin;
  }

  get environment(): Readonly<Record<string, string>> {
    return { CARTESIA_API_KEY: this.account.apiKey ?? "emulated", CARTESIA_BASE_URL: this.url };
  }

  /** Contexts that speak at the moment. */
  get speaking(): number {
    return this.#world.speaking;
  }

  override async close(): Promise<void> {
    for (const socket of this.#webSockets.clients) socket.terminate();
    await super.close();
  }

  protected override serve(_request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(404).end();
  }

  #shakeHands(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
    const { headers } = request;
    this.log.add("handshake", { path: pathname, query: Object.fromEntries(searchParams), headers });
    const fault = this.faults.connections.shift() ?? this.faults.always;
    if (fault.hangs) {
      socket.on("end", () => socket.destroy()).resume();
      return;
    }
    try {
      if (fault.status !== undefined) throw usualRefusal(fault.status, fault.code);
      this.#check(request, searchParams);
      const open = this.#opener(pathname, searchParams, fault);
      this.#webSockets.handleUpgrade(request, socket, head, open);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.log.add("refused", { status: error.status });
      refuse(socket, error, fault);
    }
  }

  /** Returns the function that opens a connection. Throws a {@link Refusal} where there is none, or too many. */
  #opener(path: string, query: URLSearchParams, fault: ConnectionFault) {
    const { script, account, log } = this;
    if (path === "/tts/websocket") {
      if (this.speech.length >= account.maxContexts * 10) throw tooMany();
      return (socket: import("ws").WebSocket) => {
        const connection = new SpeechConnection(socket, this.#opened.speech++, this.#world);
        this.#keep(this.speech, connection, socket);
        log.add("speech_open", { connection: connection.index });
        if (fault.cutAfterMs !== undefined) setTimeout(() => connection.cut(), fault.cutAfterMs).unref();
      };
    }
    if (path !== "/stt/turns/websocket")
      throw new Refusal(404, null, "Not found", `No such endpoint: ${path}`);
    if (this.turns.length >= account.maxStreams) throw tooMany();
    const read = readTurnsQuery(query);
    return (socket: import("ws").WebSocket) => {
      const index = this.#opened.turns++;
      log.add("turns_open", { connection: index });
      const connection = new TurnsConnection({ socket, index, query: read, fault, script, account, log });
      this.#keep(this.turns, connection, socket);
    };
  }

  #keep<One>(list: One[], one: One, socket: import("ws").WebSocket): void {
    list.push(one);
    socket.on("close", () => list.splice(list.indexOf(one), 1));
  }

  #check({ headers }: IncomingMessage, query: URLSearchParams): void {
    const bearer = /^bearer (\S+)$/i.exec(headers.authorization ?? "")?.[1];
    const given = bearer ?? headers["x-api-key"] ?? query.get("api_key");
    if (typeof given !== "string" || !isRightKey(given, this.account.apiKey)) {
      throw new Refusal(401, "unauthorized", "Unauthorized", `The API key ${given ?? ""} is not valid.`);
    }
    const version = query.get("cartesia_version") ?? headers["cartesia-version"];
    if (typeof version !== "string" || !/^\d{4}-\d{2}-\d{2}$/.test(version)) {
      throw new Refusal(400, "invalid_version", "Invalid version", "Cartesia-Version is required.");
    }
  }
}

function refuse(socket: Duplex, refusal: Refusal, { plainText, retryAfterSeconds }: ConnectionFault): void {
  const json = JSON.stringify(refusal.fields(randomUUID()));
  const body = plainText ? `${refusal.title}: ${refusal.message}` : json;
  const type = plainText ? "text/plain" : "application/json";
  const wait = retryAfterSeconds === undefined ? "" : `retry-after: ${retryAfterSeconds}\r\n`;
  socket.end(
    `HTTP/1.1 ${refusal.status} Refused\r\ncontent-type: ${type}\r\n${wait}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
