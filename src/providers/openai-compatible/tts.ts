import type { TTS as AgentTTS, SpeakOptions, SpeechChunk } from "../../agent/tts.ts";
import { SpokenTexts } from "../sound/spoken-texts.ts";
import { checkModel, Endpoint } from "./endpoint.ts";
import { closedError, OpenAICompatibleError } from "./error.ts";
import { requestSpeech } from "./speech/speech.ts";
import { type FilledTtsOptions, fillTtsOptions, type TTSOptions } from "./voice-options.ts";

/**
 * Text to speech by `POST /audio/speech`, with a request for each sentence, streamed as the service makes it.
 *
 * ```ts
 * const tts = new openaiCompatible.TTS("gpt-4o-mini-tts", { service: "openai", voice: "coral" });
 * ```
 */
export interface TTS extends AgentTTS {
  /** The name of the service, such as `openai`, or `openai-compatible`. */
  readonly provider: string;
  /**
   * Opens a connection by asking for the list of models.
   * @throws an `OpenAICompatibleError` where the key is wrong or the service knows no such model, a `DeadlineError` after 10 s
   */
  warm(signal: AbortSignal): Promise<void>;
  /**
   * Yields the speech of a text.
   * @throws an `OpenAICompatibleError`, a `DeadlineError` where the option `firstByteTimeoutMs` or `idleTimeoutMs` is exceeded, or
   * the reason of the signal
   */
  speak(text: string, options: SpeakOptions): AsyncGenerator<SpeechChunk, void>;
}

class OpenAICompatibleTts implements TTS {
  readonly provider: string;
  readonly model: string;
  readonly #options: FilledTtsOptions;
  readonly #endpoint: Endpoint;
  readonly #speaking = new SpokenTexts();
  #closed = false;

  constructor(model: string, options: TTSOptions = {}) {
    checkModel("openaiCompatible.TTS", model);
    this.#options = fillTtsOptions(options);
    this.model = model;
    this.#endpoint = new Endpoint("openaiCompatible.TTS", options);
    this.provider = this.#endpoint.provider;
  }

  async warm(signal: AbortSignal): Promise<void> {
    await this.#endpoint.warm(this.model, signal);
  }

  async *speak(text: string, { signal }: SpeakOptions): AsyncGenerator<SpeechChunk, void> {
    signal.throwIfAborted();
    if (this.#closed) throw closedError("TTS");
    if (text.trim() === "") return;
    const options = this.#options;
    const { firstByteTimeoutMs, maxRetries } = options;
    const request = { endpoint: this.#endpoint, model: this.model, options, text };
    yield* this.#speaking.speak({
      signal,
      service: this.#endpoint.title,
      firstByteTimeoutMs,
      maxRetries,
      request: (cancelled) => requestSpeech({ ...request, signal: cancelled }),
      failureOf: (error) => (error instanceof OpenAICompatibleError ? error : null),
      silent: (message) => new OpenAICompatibleError(message, { kind: "server", code: "empty_answer" }),
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#speaking.close(new DOMException("The voice is closed", "AbortError"));
    this.#endpoint.close();
  }
}

/**
 * The first argument is the name of the model, as the service calls it.
 * @throws a `TypeError` that names a wrong option, or the missing key or address
 */
export const TTS: new (model: string, options?: TTSOptions) => TTS = OpenAICompatibleTts;
