import type { STT as AgentSTT, ListenOptions, SpeechStream } from "../../agent/stt.ts";
import { VoiceActivity } from "../../audio/detection/voice-activity.ts";
import { TranscribedSpeech } from "../sound/transcribed-speech.ts";
import { checkModel, Endpoint } from "./endpoint.ts";
import { closedError } from "./error.ts";
import { Transcriber } from "./transcription/transcriber.ts";
import { type FilledSttOptions, fillSttOptions, type STTOptions } from "./voice-options.ts";

/**
 * Speech to text by `POST /audio/transcriptions`, with one request a turn. Where a turn ends is found in the sound itself, as
 * `local.STT` does: there are no captions while somebody speaks.
 *
 * ```ts
 * const stt = new openaiCompatible.STT("whisper-large-v3-turbo", { service: "groq", language: "en" });
 * ```
 */
export interface STT extends AgentSTT {
  /** The name of the service, such as `groq`, or `openai-compatible`. */
  readonly provider: string;
  /**
   * Opens a connection by asking for the list of models.
   * @throws an `OpenAICompatibleError` where the key is wrong or the service knows no such model, a `DeadlineError` after 10 s
   */
  warm(signal: AbortSignal): Promise<void>;
}

class OpenAICompatibleStt implements STT {
  readonly provider: string;
  readonly model: string;
  readonly language: string | undefined;
  readonly #options: FilledSttOptions;
  readonly #endpoint: Endpoint;
  readonly #listening = new Set<SpeechStream>();
  #closed = false;

  constructor(model: string, options: STTOptions = {}) {
    checkModel("openaiCompatible.STT", model);
    this.#options = fillSttOptions(options);
    this.model = model;
    this.language = options.language;
    this.#endpoint = new Endpoint("openaiCompatible.STT", options);
    this.provider = this.#endpoint.provider;
  }

  async warm(signal: AbortSignal): Promise<void> {
    await this.#endpoint.warm(this.model, signal);
  }

  async listen({ signal }: Pick<ListenOptions, "signal">): Promise<SpeechStream> {
    if (this.#closed) throw closedError("STT");
    const activity = await VoiceActivity.create(this.#options);
    if (signal.aborted || this.#closed) {
      activity.free();
      throw signal.aborted ? signal.reason : closedError("STT");
    }
    const stream = new TranscribedSpeech({
      ...this.#options,
      eagerMs: this.#options.eagerMs ?? null,
      activity,
      transcriber: new Transcriber(this.#endpoint, this.model, this.#options),
      signal,
    });
    this.#listening.add(stream);
    signal.addEventListener("abort", () => this.#listening.delete(stream), { once: true });
    return stream;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#listening].map((stream) => stream.close()));
    this.#listening.clear();
    this.#endpoint.close();
  }
}

/**
 * The first argument is the name of the model, as the service calls it.
 * @throws a `TypeError` that names a wrong option, or the missing key or address
 */
export const STT: new (model: string, options?: STTOptions) => STT = OpenAICompatibleStt;
