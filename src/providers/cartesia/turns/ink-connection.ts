import type { ConnectionListeners, ListeningConnection, ListeningError } from "../../listening/recogniser.ts";
import type { JsonRecord } from "../../listening/turn-signal.ts";
import { ServiceSocket } from "../../web-socket/service-socket.ts";
import { webSocketTo } from "../access.ts";
import { CartesiaError, eventError, socketError } from "../error.ts";
import type { FilledSttOptions } from "../stt-options.ts";

/** The transitions are `connecting → open → finishing → over`; `over` also follows every earlier state. */
type ConnectionState = "connecting" | "open" | "finishing" | "over";

/** The rate of the sound, in hertz, which Cartesia recommends. */
export const inkRate = 16_000;

/** The silence by which a connection is kept open: 100 ms. */
const silence = new Int16Array(inkRate / 10);
const pingIntervalMs = 10_000;

/** One connection to Ink: docs.cartesia.ai/api-reference/stt/turns/websocket. */
export class InkConnection implements ListeningConnection {
  readonly #options: FilledSttOptions;
  readonly #listeners: ConnectionListeners;
  readonly #socket: ServiceSocket;
  readonly #deadline: NodeJS.Timeout;
  readonly #ended = Promise.withResolvers<void>();
  #state: ConnectionState = "connecting";
  #keepAlive: NodeJS.Timeout | undefined;

  constructor(options: FilledSttOptions, listeners: ConnectionListeners) {
    const { connectTimeoutMs, apiKey } = options;
    this.#options = options;
    this.#listeners = listeners;
    // The socket's own deadline is that of the handshake alone.
    this.#deadline = setTimeout(() => {
      const message = `A connection to Cartesia took longer than ${connectTimeoutMs} ms (connectTimeoutMs)`;
      this.fail(new CartesiaError(message, { kind: "network", code: "ETIMEDOUT" }));
    }, connectTimeoutMs);
    const { url, headers } = webSocketTo(options, "/stt/turns/websocket");
    this.#socket = new ServiceSocket({
      url: `${url}?${queryOf(options)}`,
      headers,
      connectTimeoutMs,
      pingIntervalMs,
      onOpen: () => {},
      onMessage: (message) => this.#read(message),
      onEnd: (end) => {
        const asked = this.#state === "finishing" && end.type === "closed";
        this.fail(asked ? null : socketError(end, apiKey));
      },
    });
  }

  get open(): boolean {
    return this.#state === "open" && this.#socket.open;
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  send(samples: Int16Array): void {
    this.#keepAlive?.refresh();
    if (this.open) this.#socket.send(samples);
  }

  finish(): void {
    if (!this.open) return;
    this.#state = "finishing";
    clearTimeout(this.#keepAlive);
    this.#socket.send('{"type":"close"}');
  }

  fail(error: ListeningError | null): void {
    if (this.#state === "over") return;
    this.#state = "over";
    clearTimeout(this.#deadline);
    clearTimeout(this.#keepAlive);
    this.#socket.terminate();
    this.#listeners.onEnd(error);
    this.#ended.resolve();
  }

  #read(message: JsonRecord): void {
    if (message.type === "error") {
      this.fail(eventError(message, this.#options.apiKey));
      return;
    }
    if (this.#state === "connecting" && message.type === "connected") this.#opened();
    this.#listeners.onMessage(message);
  }

  #opened(): void {
    this.#state = "open";
    clearTimeout(this.#deadline);
    const { keepAliveIntervalMs } = this.#options;
    this.#keepAlive = setTimeout(() => this.send(silence), keepAliveIntervalMs).unref();
    this.#listeners.onOpen();
  }
}

function queryOf(options: FilledSttOptions): URLSearchParams {
  const { model, keyterms, startThreshold, eagerEndThreshold, endThreshold, endTimeoutMs } = options;
  const query = new URLSearchParams({ model, encoding: "pcm_s16le", sample_rate: String(inkRate) });
  for (const keyterm of keyterms) query.append("keyterm", keyterm);
  const turns = {
    turn_start_threshold: startThreshold,
    turn_eager_end_threshold: eagerEndThreshold,
    turn_end_threshold: endThreshold,
    turn_end_timeout_ms: endTimeoutMs,
  };
  for (const [name, value] of Object.entries(turns)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query;
}
