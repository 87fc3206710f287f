import type { STT as AgentSTT, ListenOptions, SpeechStream } from "../../agent/stt.ts";
import { VoiceActivity } from "../../audio/detection/voice-activity.ts";
import { encodeWav } from "../../audio/wav.ts";
import { TranscribedSpeech, transcriptionRate } from "../sound/transcribed-speech.ts";
import { AiSdkError } from "./errors.ts";
import { generate } from "./generate.ts";
import { checkKey } from "./key.ts";
import { type TranscriptionModel, vendorOf, versionOf } from "./models.ts";
import { type FilledSttOptions, fillSttOptions, type STTOptions } from "./voice-options.ts";
import { Warnings } from "./warnings.ts";

/**
 * Speech to text by a transcription model of the AI SDK, with one request a turn. Where a turn ends is found in the sound itself, as
 * `local.STT` does: there are no captions while somebody speaks.
 *
 * ```ts
 * const stt = new aiSdk.STT(openai.transcription("gpt-4o-mini-transcribe"), { language: "en" });
 * ```
 */
export interface STT extends AgentSTT {
  /** The vendor, such as `openai`. */
  readonly provider: string;
}

/** `doGenerate` as it is called. */
type DoGenerate = (options: object) => PromiseLike<{ readonly text?: unknown; readonly warnings?: unknown }>;

class AiSdkStt implements STT {
  readonly provider: string;
  readonly model: string;
  readonly language: string | undefined;
  readonly #model: TranscriptionModel;
  readonly #options: FilledSttOptions;
  readonly #warnings: Warnings;
  readonly #listening = new Set<SpeechStream>();
  #closed = false;

  constructor(model: TranscriptionModel, options: STTOptions = {}) {
    versionOf("aiSdk.STT", model, "doGenerate", 'openai.transcription("whisper-1")');
    this.#options = fillSttOptions(options);
    this.#model = model;
    this.provider = vendorOf(model);
    this.model = model.modelId;
    this.language = options.language;
    this.#warnings = new Warnings(`aiSdk.STT ${this.model}`);
  }

  async listen({ signal }: Pick<ListenOptions, "signal">): Promise<SpeechStream> {
    if (this.#closed) throw closed();
    const activity = await VoiceActivity.create(this.#options);
    if (signal.aborted || this.#closed) {
      activity.free();
      throw signal.aborted ? signal.reason : closed();
    }
    const stream = new TranscribedSpeech({
      ...this.#options,
      eagerMs: this.#options.eagerMs ?? null,
      activity,
      transcriber: { transcribe: (samples, over) => this.#transcribe(samples, over) },
      signal,
    });
    this.#listening.add(stream);
    signal.addEventListener("abort", () => this.#listening.delete(stream), { once: true });
    return stream;
  }

  async warm(): Promise<void> {
    await checkKey(this.#model);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#listening].map((stream) => stream.close()));
    this.#listening.clear();
  }

  async #transcribe(samples: Int16Array, signal: AbortSignal): Promise<string> {
    const { headers, providerOptions, timeoutMs, maxRetries } = this.#options;
    const audio = encodeWav({ samples, sampleRate: transcriptionRate });
    const ask = this.#model.doGenerate.bind(this.#model) as DoGenerate;
    const given = {
      audio,
      mediaType: "audio/wav",
      ...(headers === undefined ? {} : { headers }),
      ...(providerOptions === undefined ? {} : { providerOptions }),
    };
    const { text, warnings } = await generate((abortSignal) => ask({ ...given, abortSignal }), {
      vendor: this.provider,
      what: "words",
      timeoutMs,
      maxRetries,
      signal,
    });
    this.#warnings.log(warnings);
    return typeof text === "string" ? text.trim() : "";
  }
}

/**
 * The first argument is a transcription model of a provider of the AI SDK, of version v2, v3 or v4 of its interface.
 * @throws a `TypeError` that names a wrong option, or says that it is no model
 */
export const STT: new (model: TranscriptionModel, options?: STTOptions) => STT = AiSdkStt;

function closed(): AiSdkError {
  return new AiSdkError("aiSdk.STT is closed", { code: "CLOSED" });
}
