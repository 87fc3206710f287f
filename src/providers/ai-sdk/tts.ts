import { BadAnswerError } from "../../agent/model/bad-answer-error.ts";
import type { TTS as AgentTTS, SpeakOptions, SpeechChunk } from "../../agent/tts.ts";
import { SoundFormError, SoundReader } from "../sound/sound-reader.ts";
import { AiSdkError } from "./errors.ts";
import { generate } from "./generate.ts";
import { checkKey } from "./key.ts";
import { type SpeechModel, vendorOf, versionOf } from "./models.ts";
import { type FilledTtsOptions, fillTtsOptions, type TTSOptions } from "./voice-options.ts";
import { Warnings } from "./warnings.ts";

/**
 * Text to speech by a speech model of the AI SDK, with a request for each sentence. The interface gives the sound of a sentence as a
 * whole, so that the first one begins later than with a voice that is streamed.
 *
 * ```ts
 * const tts = new aiSdk.TTS(openai.speech("gpt-4o-mini-tts"), { voice: "coral" });
 * ```
 */
export interface TTS extends AgentTTS {
  /** The vendor, such as `openai`. */
  readonly provider: string;
  /**
   * Yields the speech of a text.
   * @throws an `AiSdkError`, a `DeadlineError` where the option `timeoutMs` is exceeded, a `BadAnswerError` where the sound is of a form
   * that is not read, or the reason of the signal
   */
  speak(text: string, options: SpeakOptions): AsyncGenerator<SpeechChunk, void>;
}

/** `doGenerate` as it is called. Some versions give the sound as base64. */
type DoGenerate = (options: object) => PromiseLike<{ readonly audio?: unknown; readonly warnings?: unknown }>;

class AiSdkTts implements TTS {
  readonly provider: string;
  readonly model: string;
  readonly #model: SpeechModel;
  readonly #options: FilledTtsOptions;
  readonly #warnings: Warnings;
  readonly #speaking = new Set<AbortController>();
  #closed = false;

  constructor(model: SpeechModel, options: TTSOptions = {}) {
    versionOf("aiSdk.TTS", model, "doGenerate", 'openai.speech("gpt-4o-mini-tts")');
    this.#options = fillTtsOptions(options);
    this.#model = model;
    this.provider = vendorOf(model);
    this.model = model.modelId;
    this.#warnings = new Warnings(`aiSdk.TTS ${this.model}`);
  }

  async *speak(text: string, { signal }: SpeakOptions): AsyncGenerator<SpeechChunk, void> {
    signal.throwIfAborted();
    if (this.#closed) throw closed();
    if (text.trim() === "") return;
    const cancel = new AbortController();
    const cancelled = () => cancel.abort(signal.reason);
    signal.addEventListener("abort", cancelled, { once: true });
    this.#speaking.add(cancel);
    try {
      yield* this.#soundOf(await this.#ask(text, cancel.signal));
    } finally {
      signal.removeEventListener("abort", cancelled);
      this.#speaking.delete(cancel);
      cancel.abort();
    }
  }

  async warm(): Promise<void> {
    await checkKey(this.#model);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const cancel of this.#speaking) cancel.abort(new DOMException("The voice is closed", "AbortError"));
  }

  async #ask(text: string, signal: AbortSignal): Promise<Uint8Array> {
    const { timeoutMs, maxRetries, sampleRate: _, ...asked } = this.#options;
    const ask = this.#model.doGenerate.bind(this.#model) as DoGenerate;
    const { audio, warnings } = await generate((abortSignal) => ask({ ...asked, text, abortSignal }), {
      vendor: this.provider,
      what: "sound",
      timeoutMs,
      maxRetries,
      signal,
    });
    this.#warnings.log(warnings);
    const bytes = typeof audio === "string" ? Buffer.from(audio, "base64") : audio;
    if (bytes instanceof Uint8Array && bytes.length > 0) return bytes;
    throw new AiSdkError(`${this.provider} answered without any sound`, { code: "empty_answer" });
  }

  *#soundOf(bytes: Uint8Array): Generator<SpeechChunk, void> {
    const reader = new SoundReader(this.#options.sampleRate);
    try {
      for (const chunk of [reader.read(bytes), reader.end()]) if (chunk !== null) yield chunk;
    } catch (error) {
      if (!(error instanceof SoundFormError)) throw error;
      throw new BadAnswerError(
        "UNREADABLE",
        `The sound of ${this.provider} is ${error.message}, which is not read: set outputFormat to its name for WAV or for raw samples`,
      );
    }
  }
}

/**
 * The first argument is a speech model of a provider of the AI SDK, of version v2, v3 or v4 of its interface.
 * @throws a `TypeError` that names a wrong option, or says that it is no model
 */
export const TTS: new (model: SpeechModel, options?: TTSOptions) => TTS = AiSdkTts;

function closed(): AiSdkError {
  return new AiSdkError("aiSdk.TTS is closed", { code: "CLOSED" });
}
