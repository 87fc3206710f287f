import type { STT as AgentSTT, ListenOptions, SpeechStream } from "../../agent/stt.ts";
import { StreamedSpeech } from "../listening/speech-stream.ts";
import { closedError } from "./error.ts";
import { type FilledSttOptions, fillSttOptions, type STTOptions } from "./stt-options.ts";
import { InkConnection, inkRate } from "./turns/ink-connection.ts";
import { InkRecogniser } from "./turns/ink-recogniser.ts";

/**
 * Speech to text by Cartesia's Ink, which finds the end of a turn by the words. It understands English.
 *
 * ```ts
 * const stt = new cartesia.STT({ eagerTurnDetection: true, keyterms: ["Greenroom"] });
 * ```
 */
export interface STT extends AgentSTT {
  readonly provider: "cartesia";
  readonly language: "en";
  /**
   * Checks the key and the model by a connection that is closed at once, and keeps its TLS session for later ones.
   * @throws a `CartesiaError`
   */
  warm(signal: AbortSignal): Promise<void>;
  /**
   * Begins to listen to one participant; the signal ends that at once, whenever it fires.
   * @throws a `CartesiaError`: at once where another attempt is of no use (a wrong key, an unknown model), else after the attempts
   * that the options allow
   */
  listen(options: ListenOptions): Promise<SpeechStream>;
  /** Ends all streams. */
  close(): Promise<void>;
}

class CartesiaStt implements STT {
  readonly provider = "cartesia";
  readonly language = "en";
  readonly model: string;
  readonly #options: FilledSttOptions;
  readonly #streams = new Set<StreamedSpeech>();
  #closed = false;

  constructor(options: STTOptions = {}) {
    this.#options = fillSttOptions(options);
    this.model = this.#options.model;
  }

  async warm(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const connection = new InkConnection(this.#options, {
      onOpen: () => connection.fail(null),
      onMessage: () => {},
      onEnd: (error) => (error === null ? resolve() : reject(error)),
    });
    const stop = () => connection.fail(null);
    signal.addEventListener("abort", stop, { once: true });
    try {
      await promise;
      signal.throwIfAborted();
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  async listen({ signal }: Pick<ListenOptions, "signal">): Promise<SpeechStream> {
    signal.throwIfAborted();
    if (this.#closed) throw closedError("STT");
    const stream = new StreamedSpeech({
      recogniser: new InkRecogniser(this.#options),
      settings: { ...this.#options, sampleRate: inkRate, stallTimeoutMs: Number.POSITIVE_INFINITY },
      signal,
    });
    this.#streams.add(stream);
    void stream.ended.then(() => this.#streams.delete(stream));
    await stream.opened;
    return stream;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#streams].map((stream) => stream.close()));
  }
}

/** @throws a `TypeError` where an option is wrong, or the key is missing */
export const STT: new (options?: STTOptions) => STT = CartesiaStt;
