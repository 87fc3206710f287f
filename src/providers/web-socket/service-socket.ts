import type { IncomingMessage } from "node:http";
import type { RawData, WebSocket } from "ws";
import { refusalText } from "../http/body.ts";
import { agentFor } from "./agent.ts";
import type { SocketEnd } from "./socket-end.ts";

/** The longest message that is accepted, in bytes: it holds minutes of sound. */
const maxMessageBytes = 16 * 1_024 * 1_024;

/** Imports the client of WebSockets. */
export const loadWebSocket = () => import("ws");

export interface ServiceSocketOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The longest wait for the handshake, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** The time between two pings, in milliseconds. The connection ends where nothing arrives between one and the next. */
  readonly pingIntervalMs: number;
  onOpen(): void;
  /** Takes a JSON object. Messages that are none are skipped. */
  onMessage(message: Readonly<Record<string, unknown>>): void;
  /** Called once, unless this side ended the connection. */
  onEnd(end: SocketEnd): void;
}

/** A WebSocket to a service. */
export class ServiceSocket {
  readonly #options: ServiceSocketOptions;
  readonly #deadline: NodeJS.Timeout;
  #socket: WebSocket | null = null;
  #pings: NodeJS.Timeout | undefined;
  /** Says whether something arrived since the last ping. */
  #alive = true;
  #over = false;

  constructor(options: ServiceSocketOptions) {
    const { connectTimeoutMs } = options;
    this.#options = options;
    const late = () => this.#end({ type: "late", what: "handshake", limitMs: connectTimeoutMs });
    this.#deadline = setTimeout(late, connectTimeoutMs);
    this.#connect().catch((error: unknown) => this.#end({ type: "failed", error }));
  }

  get open(): boolean {
    return !this.#over && this.#socket?.readyState === 1;
  }

  /** Returns the number of bytes that were given to `send` and not yet to the operating system. */
  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Sends a text, or bytes. It has no effect unless the connection is open. */
  send(data: string | Int16Array): void {
    if (this.open) this.#socket?.send(data);
  }

  /** Ends the connection at once, whatever the service does. */
  terminate(): void {
    this.#over = true;
    clearTimeout(this.#deadline);
    clearInterval(this.#pings);
    this.#socket?.terminate();
  }

  async #connect(): Promise<void> {
    const { url, headers } = this.#options;
    const { WebSocket } = await loadWebSocket();
    if (this.#over) return;
    const agent = agentFor(url);
    const socket = new WebSocket(url, {
      headers,
      perMessageDeflate: false,
      maxPayload: maxMessageBytes,
      ...(agent === undefined ? {} : { agent }),
    });
    this.#socket = socket;
    socket.on("open", () => this.#opened());
    socket.on("message", (data) => this.#read(data));
    socket.on("pong", () => {
      this.#alive = true;
    });
    socket.on("unexpected-response", (_, response) => void this.#readRefusal(response));
    socket.on("error", (error) => this.#end({ type: "failed", error }));
    socket.on("close", (code, reason) => this.#end({ type: "closed", code, reason: reason.toString() }));
  }

  #opened(): void {
    if (this.#over) return;
    clearTimeout(this.#deadline);
    this.#pings = setInterval(() => this.#ping(), this.#options.pingIntervalMs).unref();
    this.#options.onOpen();
  }

  /** Asks for a sign of life. Messages that have arrived are read first, since this thread may have been the slow one. */
  #ping(): void {
    const limitMs = this.#options.pingIntervalMs;
    setImmediate(() => {
      if (this.#over) return;
      if (!this.#alive) {
        this.#end({ type: "late", what: "ping", limitMs });
        return;
      }
      this.#alive = false;
      this.#socket?.ping();
    });
  }

  #read(data: RawData): void {
    if (this.#over) return;
    this.#alive = true;
    const message = objectIn(data.toString());
    if (message !== null) this.#options.onMessage(message);
  }

  async #readRefusal(response: IncomingMessage): Promise<void> {
    const { statusCode: status = 0, headers } = response;
    this.#end({ type: "refused", status, headers, text: await refusalText(response) });
  }

  #end(end: SocketEnd): void {
    if (this.#over) return;
    this.terminate();
    this.#options.onEnd(end);
  }
}

function objectIn(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}
