import type { IncomingMessage } from "node:http";
import type { DeepgramTransport, DeepgramTransportMessage } from "@deepgram/sdk";
import type { RawData, WebSocket } from "ws";
import { refusalText } from "../../http/body.ts";
import { agentFor } from "../../web-socket/agent.ts";
import { type DeepgramError, refused, unreachable } from "../error.ts";
import type { DeepgramSdk } from "./sdk.ts";

/** The longest message that is accepted, in bytes. The longest ones are transcripts. */
const maxMessageBytes = 4 * 1_024 * 1_024;

/**
 * The end of a connection: by a failure, or by a close frame (1005: without a code, 1006: without a frame).
 */
export interface DeepgramSocketEnd {
  readonly failure: DeepgramError | null;
  readonly code: number;
  readonly reason: string;
}

/**
 * The WebSocket that the SDK uses. The SDK's own does not show why a handshake was refused or what is not
 * sent yet, and cannot be ended with certainty.
 */
export class DeepgramSocket implements DeepgramTransport {
  readonly #socket: WebSocket;
  readonly #apiKey: string;
  #failure: DeepgramError | null = null;

  constructor(
    { WebSocket }: Pick<DeepgramSdk, "WebSocket">,
    url: string,
    headers: Readonly<Record<string, string>>,
    { apiKey, onEnd }: { readonly apiKey: string; readonly onEnd: (end: DeepgramSocketEnd) => void },
  ) {
    const agent = agentFor(url);
    this.#apiKey = apiKey;
    this.#socket = new WebSocket(url, {
      headers,
      perMessageDeflate: false,
      maxPayload: maxMessageBytes,
      ...(agent === undefined ? {} : { agent }),
    });
    this.#socket.on("unexpected-response", (_, response) => void this.#readRefusal(response));
    this.#socket.on("error", (error) => {
      this.#failure ??= unreachable(error);
    });
    this.#socket.on("close", (code, reason) =>
      onEnd({ failure: this.#failure, code, reason: reason.toString() }),
    );
  }

  /** Returns the number of bytes that were given to `send` and not yet to the operating system. */
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
   * Ends the connection. The SDK calls it where it gives up. There is no closing handshake, since a server
   * that does not take part in it would hold the thread for 30 s.
   */
  close(): void {
    this.terminate();
  }

  /** Ends the connection at once, whatever the server does. `onEnd` is called next. */
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

  async #readRefusal(response: IncomingMessage): Promise<void> {
    const body = await refusalText(response);
    this.#failure ??= refused(
      { status: response.statusCode ?? 0, headers: response.headers, body },
      this.#apiKey,
    );
    this.terminate();
  }
}
