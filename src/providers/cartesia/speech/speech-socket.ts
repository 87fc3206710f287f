import { randomUUID } from "node:crypto";
import { AsyncQueue } from "../../../agent/async-queue.ts";
import type { JsonRecord } from "../../listening/turn-signal.ts";
import { ServiceSocket } from "../../web-socket/service-socket.ts";
import { webSocketTo } from "../access.ts";
import { CartesiaError, eventError, socketError } from "../error.ts";
import type { FilledTtsOptions } from "../options.ts";

/** The time between two pings, in milliseconds. */
const pingIntervalMs = 20_000;

/** The messages of one context, in order; an error is the last. */
export interface SpeechContext {
  readonly messages: AsyncQueue<JsonRecord | Error>;
  /** Ends it. Where the service is still speaking, it is told that nobody listens. */
  end(): void;
}

/** One connection of a voice, on which several texts are spoken at once, each as a context. */
export class SpeechSocket {
  readonly #options: FilledTtsOptions;
  readonly #socket: ServiceSocket;
  readonly #opened = Promise.withResolvers<void>();
  readonly #contexts = new Map<
    string,
    { queue: AsyncQueue<JsonRecord | Error>; heard: boolean; reused: boolean }
  >();
  #usable = true;
  #spoken = false;

  /** @param onEnd Called when the service has ended the connection; `spoken`: it was used. */
  constructor(options: FilledTtsOptions, onEnd: (spoken: boolean) => void) {
    this.#options = options;
    // The rejection need not be handled where nobody waits.
    this.#opened.promise.catch(() => {});
    this.#socket = new ServiceSocket({
      ...webSocketTo(options, "/tts/websocket"),
      connectTimeoutMs: options.connectTimeoutMs,
      pingIntervalMs,
      onOpen: () => this.#opened.resolve(),
      onMessage: (message) => this.#route(message),
      onEnd: (end) => {
        this.#fail(socketError(end, options.apiKey));
        onEnd(this.#spoken);
      },
    });
  }

  /** Returns whether it is open, or about to be. */
  get usable(): boolean {
    return this.#usable;
  }

  /** Resolves when it is open. Rejects with a {@link CartesiaError}. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Begins to speak a text. The connection must be open. */
  speak(transcript: string): SpeechContext {
    const id = randomUUID();
    const queue = new AsyncQueue<JsonRecord | Error>();
    this.#contexts.set(id, { queue, heard: false, reused: this.#spoken });
    this.#spoken = true;
    this.#socket.send(JSON.stringify({ ...requestOf(this.#options), transcript, context_id: id }));
    const end = () => {
      if (this.#contexts.delete(id)) this.#socket.send(JSON.stringify({ context_id: id, cancel: true }));
    };
    return { messages: queue, end };
  }

  /** Ends it, and what is spoken on it, with this reason. */
  close(reason: Error): void {
    this.#socket.terminate();
    this.#fail(reason);
  }

  #route(message: JsonRecord): void {
    const id = message.context_id;
    if (message.type === "error") {
      const error = eventError(message, this.#options.apiKey);
      if (typeof id === "string") this.#end(id, error);
      else for (const one of [...this.#contexts.keys()]) this.#end(one, error);
      return;
    }
    // A context that was cancelled may go on for a moment.
    const context = typeof id === "string" ? this.#contexts.get(id) : undefined;
    if (context === undefined) return;
    if (message.type === "chunk") context.heard = true;
    if (message.type === "done") this.#end(id as string, null);
    else context.queue.push(message);
  }

  #end(id: string, error: Error | null): void {
    const context = this.#contexts.get(id);
    if (context === undefined) return;
    this.#contexts.delete(id);
    if (error !== null) context.queue.push(error);
    context.queue.end();
  }

  #fail(error: Error): void {
    this.#usable = false;
    this.#opened.reject(error);
    for (const [id, { heard, reused }] of [...this.#contexts]) {
      const stale = error instanceof CartesiaError && !heard && reused;
      this.#end(id, stale ? new CartesiaError(error.message, { ...error, stale: true }) : error);
    }
  }
}

/** Returns the request for a text, without the text. Each context has one text: nothing waits for more. */
function requestOf(options: FilledTtsOptions): object {
  const { modelId, voiceId, language, sampleRate, alignment, pronunciationDictId, speed, volume, emotion } =
    options;
  const config = { speed, volume, emotion };
  const isConfigured = Object.values(config).some((value) => value !== undefined);
  // Undefined fields are left out of the JSON.
  return {
    model_id: modelId,
    voice: { mode: "id", id: voiceId },
    language,
    output_format: { container: "raw", encoding: "pcm_s16le", sample_rate: sampleRate },
    continue: false,
    max_buffer_delay_ms: 0,
    generation_config: isConfigured ? config : undefined,
    pronunciation_dict_id: pronunciationDictId,
    ...(alignment ? { add_timestamps: true, use_normalized_timestamps: false } : {}),
  };
}
