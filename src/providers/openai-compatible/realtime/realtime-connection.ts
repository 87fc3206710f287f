import type { ConnectionListeners, ListeningConnection, ListeningError } from "../../listening/recogniser.ts";
import { isRecord, type JsonRecord } from "../../listening/turn-signal.ts";
import { ServiceSocket } from "../../web-socket/service-socket.ts";
import type { Endpoint } from "../endpoint.ts";
import { OpenAICompatibleError } from "../error.ts";
import { endsSession, eventFailure, socketError } from "./failure.ts";
import type { FilledRealtimeOptions } from "./options.ts";
import { sessionOf } from "./session.ts";

export interface RealtimeConnectionOptions {
  readonly endpoint: Endpoint;
  readonly model: string;
  readonly options: FilledRealtimeOptions;
  readonly listeners: ConnectionListeners;
}

/** The transitions are `connecting → open → finishing → over`; `over` also follows every earlier state. */
type ConnectionState = "connecting" | "open" | "finishing" | "over";

/** The names of our events, which errors about them repeat. */
const sessionEvent = "session";
const commitEvent = "commit";

/** One session of a realtime transcription. It is open once the service has accepted its configuration. */
export class RealtimeConnection implements ListeningConnection {
  readonly #setting: RealtimeConnectionOptions;
  readonly #socket: ServiceSocket;
  readonly #deadline: NodeJS.Timeout;
  readonly #ended = Promise.withResolvers<void>();
  #state: ConnectionState = "connecting";
  /** Says whether the service hears somebody speak. */
  #speaking = false;
  /** The turns that are over and whose words have not come yet. */
  #awaited = 0;
  #words: NodeJS.Timeout | undefined;

  constructor(setting: RealtimeConnectionOptions) {
    const { endpoint, options } = setting;
    const { connectTimeoutMs, keepAliveIntervalMs } = options;
    this.#setting = setting;
    this.#deadline = setTimeout(
      () => this.#late(`A session of ${endpoint.title}`, connectTimeoutMs, "connectTimeoutMs"),
      connectTimeoutMs,
    );
    this.#socket = new ServiceSocket({
      ...endpoint.webSocket("/realtime", { intent: "transcription" }),
      connectTimeoutMs,
      pingIntervalMs: keepAliveIntervalMs,
      onOpen: () => this.#configure(),
      onMessage: (message) => this.#read(message),
      onEnd: (end) => this.fail(socketError(endpoint, end)),
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
    if (!this.open) return;
    const audio = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).toString("base64");
    this.#socket.send(`{"type":"input_audio_buffer.append","audio":"${audio}"}`);
  }

  commit(): void {
    this.#send({ type: "input_audio_buffer.commit", event_id: commitEvent });
    this.#await();
  }

  finish(): void {
    if (!this.open) return;
    if (this.#speaking) this.commit();
    this.#speaking = false;
    this.#state = "finishing";
    this.#finishIfDone();
  }

  fail(error: ListeningError | null): void {
    if (this.#state === "over") return;
    this.#state = "over";
    clearTimeout(this.#deadline);
    clearTimeout(this.#words);
    this.#socket.terminate();
    this.#setting.listeners.onEnd(error);
    this.#ended.resolve();
  }

  #configure(): void {
    const { model, options } = this.#setting;
    this.#send({ type: "session.update", event_id: sessionEvent, session: sessionOf(model, options) });
  }

  #read(message: JsonRecord): void {
    const { listeners } = this.#setting;
    if (message.type === "error" && this.#failsBy(isRecord(message.error) ? message.error : {})) return;
    switch (message.type) {
      case "session.updated":
        this.#updated();
        return;
      case "input_audio_buffer.speech_started":
        this.#speaking = true;
        break;
      case "input_audio_buffer.speech_stopped":
        if (this.#speaking) this.#await();
        this.#speaking = false;
        break;
      case "conversation.item.input_audio_transcription.delta":
        this.#words?.refresh();
        break;
      case "conversation.item.input_audio_transcription.completed":
      case "conversation.item.input_audio_transcription.failed":
        this.#arrived();
        break;
      default:
    }
    listeners.onMessage(message);
    this.#finishIfDone();
  }

  #updated(): void {
    if (this.#state !== "connecting") return;
    this.#state = "open";
    clearTimeout(this.#deadline);
    this.#setting.listeners.onOpen();
  }

  /** Ends the session because of an error event, and returns whether that ends it. */
  #failsBy(error: JsonRecord): boolean {
    const failure = eventFailure(this.#setting.endpoint, error);
    if (this.#state === "connecting" || endsSession(failure)) {
      this.fail(failure);
      return true;
    }
    if (error.event_id === commitEvent) this.#arrived();
    return false;
  }

  /** Waits for the words of a turn that is over. */
  #await(): void {
    this.#awaited += 1;
    const { timeoutMs } = this.#setting.options;
    const { title } = this.#setting.endpoint;
    this.#words ??= setTimeout(() => this.#late(`The words of ${title}`, timeoutMs, "timeoutMs"), timeoutMs);
  }

  #arrived(): void {
    this.#awaited = Math.max(0, this.#awaited - 1);
    if (this.#awaited > 0) {
      this.#words?.refresh();
      return;
    }
    clearTimeout(this.#words);
    this.#words = undefined;
  }

  #finishIfDone(): void {
    if (this.#state === "finishing" && this.#awaited === 0) this.fail(null);
  }

  #late(what: string, limitMs: number, option: string): void {
    const message = `${what} took longer than ${limitMs} ms (${option})`;
    this.fail(new OpenAICompatibleError(message, { kind: "network", code: "ETIMEDOUT" }));
  }

  #send(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }
}
