import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { WireLog } from "../emulator.ts";
import { defaultRealtimeScript, type RealtimeFault, type RealtimeScript } from "./realtime/script.ts";
import { RealtimeSession } from "./realtime/session.ts";
import { Refusal, usualRefusal } from "./refusal.ts";

/** The part of the emulator for which a realtime transcription is asked. */
export interface RealtimeHost {
  readonly log: WireLog;
  /** The path of the API. */
  readonly path: string;
  /** Throws a {@link Refusal} where the key is wrong. */
  checkKey(headers: IncomingMessage["headers"]): void;
}

/**
 * Realtime transcription by WebSocket: `/realtime?intent=transcription`, as OpenAI's guide and the types of its SDK have it. The log
 * has `realtime_handshake` (path, query, headers), `realtime_refused`, `realtime_open`, `realtime_audio`, `realtime_message`,
 * `realtime_sent`, `realtime_ping` and `realtime_close`, each with its `connection`.
 */
export class RealtimeTranscription {
  readonly script: RealtimeScript = defaultRealtimeScript();
  /** The faults of the next sessions. */
  readonly faults: RealtimeFault[] = [];
  /** The fault of every session beyond those. */
  always: RealtimeFault = {};
  /** The open sessions, oldest first. */
  readonly sessions: RealtimeSession[] = [];
  readonly #host: RealtimeHost;
  readonly #webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  #opened = 0;

  constructor(host: RealtimeHost) {
    this.#host = host;
  }

  shakeHands(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const fault = this.faults.shift() ?? this.always;
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
    const { log } = this.#host;
    log.add("realtime_handshake", {
      path: pathname,
      query: Object.fromEntries(searchParams),
      headers: request.headers,
    });
    if (fault.hangs) {
      socket.on("end", () => socket.destroy()).resume();
      return;
    }
    try {
      if (fault.status !== undefined) throw usualRefusal(fault.status, undefined, fault.code);
      this.#check(request, pathname, searchParams);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      log.add("realtime_refused", { status: error.status });
      refuse(socket, error, fault);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const index = this.#opened++;
      log.add("realtime_open", { connection: index });
      const session = new RealtimeSession({ socket: webSocket, index, script: this.script, fault, log });
      this.sessions.push(session);
      webSocket.on("close", () => this.sessions.splice(this.sessions.indexOf(session), 1));
    });
  }

  #check(request: IncomingMessage, pathname: string, query: URLSearchParams): void {
    if (pathname !== `${this.#host.path}/realtime`) throw new Refusal(404, `Invalid URL (GET ${pathname})`);
    this.#host.checkKey(request.headers);
    if (query.get("intent") !== "transcription" || query.has("model")) {
      throw new Refusal(400, "You must provide either a model or the intent of a transcription.", {
        code: query.has("model") ? "invalid_value" : "missing_model",
      });
    }
    if (request.headers["openai-beta"] !== undefined) {
      throw new Refusal(400, "The Realtime Beta API is no longer supported.", {
        code: "beta_api_shape_disabled",
      });
    }
  }
}

function refuse(socket: Duplex, refusal: Refusal, { retryAfterSeconds }: RealtimeFault): void {
  const body = JSON.stringify(refusal.body("openai"));
  const wait = retryAfterSeconds === undefined ? "" : `retry-after: ${retryAfterSeconds}\r\n`;
  socket.end(
    `HTTP/1.1 ${refusal.status} Refused\r\ncontent-type: application/json\r\n${wait}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
