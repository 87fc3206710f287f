import type { IncomingMessage } from "node:http";
import type { DeepgramTransport, DeepgramTransportMessage } from "@deepgram/sdk";
import type { RawData, WebSocket } from "ws";
import { type DeepgramError, refused, unreachable } from "./error.ts";
import { agentFor } from "./network.ts";
import type { Sdk } from "./sdk.ts";

/** The longest message that Deepgram may send, in bytes: its longest are transcripts. */
const maxMessageBytes = 4 * 1_024 * 1_024;

/** The most that is read of the body of a refused handshake, in bytes, and the longest time for it, in milliseconds. */
const maxRefusalBytes = 4_096;
const refusalTimeoutMs = 1_000;

/** The end of a connection: by a failure, or by a close frame (1005: without a code, 1006: without a frame). */
export interface TransportEnd {
  readonly failure: DeepgramError | null;
  readonly code: number;
  readonly reason: string;
}

/**
 * The WebSocket below the SDK. The SDK's own hides what is needed here: why a handshake was refused, what is not sent yet,
 * and an end that is certain.
 */
export class Transport implements DeepgramTransport {
  readonly #socket: WebSocket;
  readonly #apiKey: string;
  #failure: DeepgramError | null = null;

  constructor(
    { WebSocket }: Pick<Sdk, "WebSocket">,
    url: string,
    headers: Readonly<Record<string, string>>,
    { apiKey, onEnd }: { readonly apiKey: string; readonly onEnd: (end: TransportEnd) => void },
  ) {
    const agent = agentFor(url);
    this.#apiKey = apiKey;
    this.#socket = new WebSocket(url, {
      headers,
      perMessageDeflate: false,
      maxPayload: maxMessageBytes,
      ...(agent === undefined ? {} : { agent }),
    });
    this.#socket.on("unexpected-response", (_, response) => this.#readRefusal(response));
    this.#socket.on("error", (error) => {
      this.#failure ??= unreachable(error);
    });
    this.#socket.on("close", (code, reason) =>
      onEnd({ failure: this.#failure, code, reason: reason.toString() }),
    );
  }

  /** Bytes that are handed over but not in the hands of the system yet. */
  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  send(data: DeepgramTransportMessage): void {
    this.#socket.send(data as Parameters<WebSocket["send"]>[0]);
  }

  ping(): void {
    this.#socket.ping();
  }

  /**
   * Ends the connection. The SDK calls it where it gives up. There is no closing handshake: with a server that does not
   * take part in it, that holds the thread for 30 s.
   */
  close(): void {
    this.terminate();
  }

  /** Ends it at once, whatever the server does. `onEnd` follows. */
  terminate(): void {
    this.#socket.terminate();
  }

  onOpen(listener: () => void): void {
    this.#socket.on("open", listener);
  }

  onMessage(listener: (message: DeepgramTransportMessage) => void): void {
    this.#socket.on("message", (data: RawData, binary: boolean) =>
      listener(binary ? (data as Buffer) : data.toString()),
    );
  }

  onError(listener: (error: Error) => void): void {
    this.#socket.on("error", (error) => listener(this.#failure ?? error));
  }

  onClose(listener: (event: { code: number; reason: string }) => void): void {
    this.#socket.on("close", (code, reason) => listener({ code, reason: reason.toString() }));
  }

  #readRefusal(response: IncomingMessage): void {
    let body = "";
    const done = () => {
      clearTimeout(timer);
      this.#failure ??= refused(
        { status: response.statusCode ?? 0, headers: response.headers, body },
        this.#apiKey,
      );
      this.terminate();
    };
    const timer = setTimeout(done, refusalTimeoutMs);
    response.setEncoding("utf8");
    response.on("data", (piece: string) => {
      body += piece;
      if (body.length > maxRefusalBytes) done();
    });
    response.on("end", done);
    response.on("error", done);
  }
}
