import { closedByDeepgram, DeepgramError, errorFrame, timedOut, unreachable } from "./error.ts";
import type { FilledOptions } from "./options.ts";
import { isJson, type OpenSocket, type Protocol } from "./protocol.ts";
import type { Sdk } from "./sdk.ts";
import { Transport, type TransportEnd } from "./transport.ts";

export interface ConnectionSetting {
  readonly sdk: Sdk;
  readonly options: FilledOptions;
  readonly protocol: Protocol;
  readonly sampleRate: number;
  onOpen(): void;
  onMessage(message: unknown): void;
  /** The last word, once. Null: it ended because it was told to. */
  onOver(error: DeepgramError | null): void;
}

/** `dialling → open → finishing → over`; over also follows any earlier one. */
type ConnectionState = "dialling" | "open" | "finishing" | "over";

/** One connection to Deepgram, from its handshake to its end. It never connects again by itself. */
export class Connection {
  readonly #setting: ConnectionSetting;
  readonly #deadline: NodeJS.Timeout;
  readonly #ended = Promise.withResolvers<void>();
  #state: ConnectionState = "dialling";
  #transport: Transport | null = null;
  #open: OpenSocket | null = null;
  #keepAlive: NodeJS.Timeout | undefined;

  constructor(setting: ConnectionSetting) {
    const { connectTimeoutMs } = setting.options;
    this.#setting = setting;
    this.#deadline = setTimeout(
      () => this.fail(timedOut("The handshake with Deepgram", connectTimeoutMs)),
      connectTimeoutMs,
    );
    this.#dial().catch((error: unknown) => this.fail(unreachable(error)));
  }

  get open(): boolean {
    return this.#state === "open" && this.#transport?.isOpen() === true;
  }

  /** Bytes that wait in this process, because the network or Deepgram is too slow for them. */
  get bufferedAmount(): number {
    return this.#transport?.bufferedAmount ?? 0;
  }

  /** Resolves when it is over. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Sends sound. It has an effect only while the connection is open. */
  send(samples: Int16Array): void {
    this.#keepAlive?.refresh();
    this.#say(({ socket }) => socket.sendMedia(samples));
  }

  /** Asks for the last results, after which Deepgram closes: Flux without a code, which is 1005 here, Nova with 1000. */
  finish(): void {
    if (!this.open) return;
    this.#state = "finishing";
    this.#say(({ socket }) => socket.sendCloseStream({ type: "CloseStream" }));
  }

  /** Ends it at once because of an error; null: because it is not needed. */
  fail(error: DeepgramError | null): void {
    if (this.#state === "over") return;
    this.#state = "over";
    clearTimeout(this.#deadline);
    clearTimeout(this.#keepAlive);
    this.#transport?.terminate();
    this.#setting.onOver(error);
    this.#ended.resolve();
  }

  async #dial(): Promise<void> {
    const { sdk, options, protocol, sampleRate } = this.#setting;
    const client = new sdk.DeepgramClient({
      apiKey: options.apiKey,
      baseUrl: options.baseUrl,
      reconnect: false,
      transportFactory: (url, headers) => {
        if (this.#state === "over") throw new Error("The connection is not needed any more");
        this.#transport = new Transport(sdk, url, headers, {
          apiKey: options.apiKey,
          onEnd: (end) => this.#transportEnded(end),
        });
        return this.#transport;
      },
    });
    // The SDK's own deadline stays behind ours, whose error says more.
    const open = await protocol.open(client, sampleRate, (options.connectTimeoutMs / 1_000) * 2 + 1);
    if (this.#state === "over") return;
    this.#open = open;
    open.socket.on("open", () => this.#opened());
    open.socket.on("message", (message: unknown) => this.#take(message));
    // Without a transport it is the SDK's own; with one, its end follows, and knows why.
    open.socket.on("error", (error) => {
      if (this.#transport === null) this.fail(unreachable(error));
    });
    open.socket.connect();
  }

  #opened(): void {
    if (this.#state !== "dialling") return;
    this.#state = "open";
    clearTimeout(this.#deadline);
    const { keepAliveIntervalMs } = this.#setting.options;
    this.#keepAlive = setTimeout(() => this.#stayAlive(), keepAliveIntervalMs).unref();
    this.#setting.onOpen();
  }

  /** No sound went out for a while. */
  #stayAlive(): void {
    const transport = this.#transport;
    if (!this.open || transport === null) return;
    this.#keepAlive?.refresh();
    this.#say((open) => open.keepAlive(transport));
  }

  /** The SDK throws where it does not hold its socket for open. */
  #say(words: (open: OpenSocket) => void): void {
    try {
      if (this.#open) words(this.#open);
    } catch (error) {
      this.fail(unreachable(error));
    }
  }

  #take(message: unknown): void {
    if (this.#state === "over") return;
    try {
      if (isJson(message) && message.type === "Error") {
        this.fail(errorFrame(message, this.#setting.options.apiKey));
      } else {
        this.#setting.onMessage(message);
      }
    } catch (error) {
      // The SDK would only write it to the console.
      this.fail(new DeepgramError(`A message of Deepgram was not understood: ${error}`, { retryable: true }));
    }
  }

  #transportEnded({ failure, code, reason }: TransportEnd): void {
    const asked = this.#state === "finishing" && (code === 1_000 || code === 1_005);
    this.fail(asked ? null : (failure ?? closedByDeepgram(code, reason, this.#setting.options.apiKey)));
  }
}
