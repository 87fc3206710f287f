import type { SpeechMarkup } from "../../agent/speech-text/voice-markup.ts";
import type { TTS as AgentTTS, SpeakOptions, SpeechChunk } from "../../agent/tts.ts";
import { Connections } from "../http/connections.ts";
import { SpokenTexts } from "../sound/spoken-texts.ts";
import { ElevenlabsError, refusal } from "./error.ts";
import { type FilledElevenlabsOptions, fillOptions, type TTSOptions } from "./options.ts";
import { ask } from "./requests.ts";
import { requestSpeech } from "./speech.ts";

const warmTimeoutMs = 5_000;

/** The models that accept IPA, as `<phoneme alphabet="ipa" ph="…">word</phoneme>`. */
const phonemes = /^eleven_(?:flash_v2|turbo_v2|monolingual_v1)$/;

/**
 * Returns the markup that a model performs (elevenlabs.io/docs, best practices of prompting). The third
 * generation accepts directions such as `[laughs]` and `[short pause]`, and no tags; earlier ones accept
 * pauses of up to 3 s, such as `<break time="0.4s"/>`.
 */
function markupOf(model: string): SpeechMarkup {
  if (model.startsWith("eleven_v3")) return { directions: true };
  return { tags: phonemes.test(model) ? ["break", "phoneme"] : ["break"] };
}

/**
 * The voices of ElevenLabs, by the SDK `elevenlabs` over HTTP, with a request for each sentence.
 *
 * ```ts
 * const tts = new elevenlabs.TTS({ voiceId: "JBFqnCBsd6RMkjVDRZzb", voiceSettings: { speed: 1.1 } });
 * ```
 */
export interface TTS extends AgentTTS {
  readonly provider: "elevenlabs";
  readonly markup: SpeechMarkup;
  /**
   * Opens a connection for the first sentence by asking for the voice: a wrong key or an unknown voice is noticed before
   * anybody speaks. A key that may only synthesise speech is accepted.
   * @throws an `ElevenlabsError`
   */
  warm(signal: AbortSignal): Promise<void>;
  /**
   * Yields the speech of a text.
   * @throws an `ElevenlabsError`, a `DeadlineError` where the option `firstByteTimeoutMs` or `idleTimeoutMs` is exceeded, or the
   * reason of the signal
   */
  speak(text: string, options: SpeakOptions): AsyncGenerator<SpeechChunk, void>;
  /** Ends all speech. */
  close(): Promise<void>;
}

class ElevenlabsTts implements TTS {
  readonly provider = "elevenlabs";
  readonly model: string;
  readonly markup: SpeechMarkup;
  readonly #options: FilledElevenlabsOptions;
  readonly #connections: Connections;
  readonly #speaking = new SpokenTexts();
  #closed = false;

  constructor(options: TTSOptions = {}) {
    this.#options = fillOptions(options);
    this.model = this.#options.modelId;
    this.markup = markupOf(this.model);
    this.#connections = Connections.to(this.#options.baseUrl).hold();
  }

  async warm(signal: AbortSignal): Promise<void> {
    const { apiKey, baseUrl, voiceId } = this.#options;
    const url = `${baseUrl.replace(/\/+$/, "")}/v1/voices/${encodeURIComponent(voiceId)}`;
    const { incoming, text } = await ask(this.#connections, url, {
      method: "GET",
      headers: { "xi-api-key": apiKey },
      signal: AbortSignal.any([signal, AbortSignal.timeout(warmTimeoutMs)]),
    });
    const status = incoming.statusCode ?? 0;
    if (status < 400) return;
    const error = refusal({ status, headers: incoming.headers, text });
    if (error.code === "invalid_api_key" || error.code === "voice_not_found") throw error;
  }

  async *speak(
    text: string,
    { signal, sampleRate: rateOfCall = 24_000, ...neighbours }: SpeakOptions,
  ): AsyncGenerator<SpeechChunk, void> {
    signal.throwIfAborted();
    if (this.#closed) throw closedError();
    if (text.trim() === "") return;
    const options = this.#options;
    const { firstByteTimeoutMs, maxRetries, sampleRate = rateOfCall <= 16_000 ? 16_000 : 24_000 } = options;
    const request = { connections: this.#connections, options, sampleRate, text, neighbours };
    yield* this.#speaking.speak({
      signal,
      service: "ElevenLabs",
      firstByteTimeoutMs,
      maxRetries,
      request: (cancelled) => requestSpeech({ ...request, signal: cancelled }),
      failureOf: (error) => (error instanceof ElevenlabsError ? error : null),
      silent: (message) => new ElevenlabsError(message, { kind: "server", code: "empty_answer" }),
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#speaking.close(closedError());
    this.#connections.release();
  }
}

/** @throws a `TypeError` where an option is wrong, or the key is missing */
export const TTS: new (options?: TTSOptions) => TTS = ElevenlabsTts;

function closedError(): Error {
  return new DOMException("The voice is closed", "AbortError");
}
