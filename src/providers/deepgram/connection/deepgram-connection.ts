import type { ConnectionListeners, ListeningConnection, ListeningError } from "../../listening/recogniser.ts";
import { isRecord } from "../../listening/turn-signal.ts";
import { closedByDeepgram, DeepgramError, errorFrame, timedOut, unreachable } from "../error.ts";
import type { FilledDeepgramOptions } from "../options.ts";
import type { OpenSocket, Protocol } from "../protocol/protocol.ts";
import { DeepgramSocket, type DeepgramSocketEnd } from "./deepgram-socket.ts";
import type { DeepgramSdk } from "./sdk.ts";

export interface DeepgramConnectionOptions extends ConnectionListeners {
  readonly sdk: DeepgramSdk;
  readonly settings: FilledDeepgramOptions;
  readonly protocol: Protocol;
  readonly sampleRate: number;
}

/** The transitions are `connecting → open → finishing → over`; `over` also follows every earlier state. */
type ConnectionState = "connecting" | "open" | "finishing" | "over";

/** One connection to Deepgram, from its handshake to its end. It never reconnects by itself. */
export class DeepgramConnection implements ListeningConnection {
  readonly #options: DeepgramConnectionOptions;
  readonly #deadline: NodeJS.Timeout;
  readonly #ended = Promise.withResolvers<void>();
  #state: ConnectionState = "connecting";
  #socket: DeepgramSocket | null = null;
  #open: OpenSocket | null = null;
  #keepAlive: NodeJS.Timeout | undefined;

  constructor(options: DeepgramConnectionOptions) {
    const { connectTimeoutMs } = options.settings;
    this.#options = options;
    this.#deadline = setTimeout(
      () => this.fail(timedOut("The handshake with Deepgram", connectTimeoutMs)),
      connectTimeoutMs,
    );
    this.#connect().catch((error: unknown) => this.fail(unreachable(error)));
  }

  /** Returns whether the connection is open and not finishing. */
  get open(): boolean {
    return this.#state === "open" && this.#socket?.isOpen() === true;
  }

  /** Returns the number of bytes that wait in this process because the network or Deepgram is too slow. */
  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Resolves when the connection is over. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Sends sound. It has no effect unless the connection is open. */
  send(samples: Int16Array): void {
    this.#keepAlive?.refresh();
    this.#withSocket(({ socket }) => socket.sendMedia(samples));
  }

  /**
   * Asks for the last results, after which Deepgram closes the connection: Flux without a code, which is 1005
   * here, Nova with 1000.
   */
  finish(): void {
    if (!this.open) return;
    this.#state = "finishing";
    this.#withSocket(({ socket }) => socket.sendCloseStream({ type: "CloseStream" }));
  }

  /** Ends the connection at once, because of an error or, with null, because it is not needed. */
  fail(error: ListeningError | null): void {
    if (this.#state === "over") return;
    this.#state = "over";
    clearTimeout(this.#deadline);
    clearTimeout(this.#keepAlive);
    this.#socket?.terminate();
    this.#options.onEnd(error);
    this.#ended.resolve();
  }

  async #connect(): Promise<void> {
    const { sdk, settings, protocol, sampleRate } = this.#options;
    const client = new sdk.DeepgramClient({
      apiKey: settings.apiKey,
      baseUrl: settings.baseUrl,
      reconnect: false,
      transportFactory: (url, headers) => {
        if (this.#state === "over") throw new Error("The connection is not needed any more");
        this.#socket = new DeepgramSocket(sdk, url, headers, {
          apiKey: settings.apiKey,
          onEnd: (end) => this.#socketEnded(end),
        });
        return this.#socket;
      },
    });
    // The SDK's own deadline comes after this one, whose error says more.
    const open = await protocol.open(client, sampleRate, (settings.connectTimeoutMs / 1_000) * 2 + 1);
    if (this.#state === "over") return;
    this.#open = open;
    open.socket.on("open", () => this.#opened());
    open.socket.on("message", (message: unknown) => this.#onMessage(message));
    // Without a socket the error is the SDK's own. With one, the socket's end follows and has the reason.
    open.socket.on("error", (error) => {
      if (this.#socket === null) this.fail(unreachable(error));
    });
    open.socket.connect();
  }

  #opened(): void {
    if (this.#state !== "connecting") return;
    this.#state = "open";
    clearTimeout(this.#deadline);
    const { keepAliveIntervalMs } = this.#options.settings;
    this.#keepAlive = setTimeout(() => this.#stayAlive(), keepAliveIntervalMs).unref();
    this.#options.onOpen();
  }

  /** Keeps the connection alive after a time without sound. */
  #stayAlive(): void {
    const transport = this.#socket;
    if (!this.open || transport === null) return;
    this.#keepAlive?.refresh();
    this.#withSocket((open) => open.keepAlive(transport));
  }

  /** Runs `use` with the socket. The SDK throws where it does not take its socket for open. */
  #withSocket(use: (open: OpenSocket) => void): void {
    try {
      if (this.#open) use(this.#open);
    } catch (error) {
      this.fail(unreachable(error));
    }
  }

  #onMessage(message: unknown): void {
    if (this.#state === "over") return;
    try {
      if (isRecord(message) && message.type === "Error") {
        this.fail(errorFrame(message, this.#options.settings.apiKey));
      } else {
        this.#options.onMessage(message);
      }
    } catch (error) {
      // The SDK would only print the error.
      this.fail(new DeepgramError(`A message of Deepgram cannot be read: ${error}`, { retryable: true }));
    }
  }

  #socketEnded({ failure, code, reason }: DeepgramSocketEnd): void {
    const asked = this.#state === "finishing" && (code === 1_000 || code === 1_005);
    this.fail(asked ? null : (failure ?? closedByDeepgram(code, reason, this.#options.settings.apiKey)));
  }
}
