import type { SpeechMarkup } from "../../agent/speech-text/voice-markup.ts";
import type { TTS as AgentTTS, SpeakOptions, SpeechChunk } from "../../agent/tts.ts";
import { type SpeechFailure, SpokenTexts } from "../sound/spoken-texts.ts";
import { CartesiaError, closedError } from "./error.ts";
import { type FilledTtsOptions, fillTtsOptions, type TTSOptions } from "./options.ts";
import { requestSpeech } from "./speech/speech.ts";
import { SpeechSocket } from "./speech/speech-socket.ts";

/** The tags that the voices perform: docs.cartesia.ai/build-with-cartesia/capability-guides/ssml-tags. */
const tags = ["break", "spell", "emotion"] as const;
/** The tags that `sonic-3` alone performs: `sonic-3.5` would read them aloud. */
const tagsOfSonic3 = ["speed", "volume"] as const;

/**
 * The voices of Cartesia, over one WebSocket for the call, on which each sentence is a context of its own.
 *
 * ```ts
 * const tts = new cartesia.TTS({ voiceId: "694f9389-aac1-45b6-b726-9d9369183238", language: "en" });
 * ```
 */
export interface TTS extends AgentTTS {
  readonly provider: "cartesia";
  readonly markup: SpeechMarkup;
  /**
   * Opens the connection for the first sentence: a wrong key is noticed before anybody speaks, an unknown voice with the first sentence.
   * @throws a `CartesiaError`
   */
  warm(signal: AbortSignal): Promise<void>;
  /**
   * Yields the speech of a text.
   * @throws a `CartesiaError`, a `DeadlineError` where the option `firstByteTimeoutMs` or `idleTimeoutMs` is exceeded, or the reason of
   * the signal
   */
  speak(text: string, options: SpeakOptions): AsyncGenerator<SpeechChunk, void>;
  /** Ends all speech. */
  close(): Promise<void>;
}

class CartesiaTts implements TTS {
  readonly provider = "cartesia";
  readonly model: string;
  readonly markup: SpeechMarkup;
  readonly #options: FilledTtsOptions;
  readonly #speaking = new SpokenTexts();
  #socket: SpeechSocket | null = null;
  #closed = false;

  constructor(options: TTSOptions = {}) {
    this.#options = fillTtsOptions(options);
    this.model = this.#options.modelId;
    this.markup = { tags: /^sonic-3(-|$)/.test(this.model) ? [...tags, ...tagsOfSonic3] : tags };
  }

  async warm(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#closed) throw closedError("TTS");
    const { opened } = this.#connection();
    await opened;
    signal.throwIfAborted();
  }

  async *speak(text: string, { signal }: SpeakOptions): AsyncGenerator<SpeechChunk, void> {
    signal.throwIfAborted();
    if (this.#closed) throw closedError("TTS");
    if (text.trim() === "") return;
    const options = this.#options;
    const { firstByteTimeoutMs, maxRetries } = options;
    yield* this.#speaking.speak({
      signal,
      service: "Cartesia",
      firstByteTimeoutMs,
      maxRetries,
      request: (cancelled) => requestSpeech({ socket: this.#connection(), options, text, signal: cancelled }),
      failureOf,
      silent: (message) => new CartesiaError(message, { kind: "server", code: "empty_answer" }),
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#speaking.close(closedError("TTS"));
    this.#socket?.close(closedError("TTS"));
  }

  /** Returns the connection: the one that is open, or a new one. */
  #connection(): SpeechSocket {
    if (this.#socket?.usable) return this.#socket;
    const socket = new SpeechSocket(this.#options, (spoken) => {
      // Cartesia closes a connection that is idle for five minutes. In a call the next one is opened ahead.
      if (spoken && !this.#closed && this.#socket === socket) this.#connection();
    });
    this.#socket = socket;
    return socket;
  }
}

/** @throws a `TypeError` where an option is wrong, or the key is missing */
export const TTS: new (options?: TTSOptions) => TTS = CartesiaTts;

/** Returns the failure of a request. One too many at once is not sent again: it would wait for the end of another one. */
function failureOf(error: unknown): SpeechFailure | null {
  if (!(error instanceof CartesiaError)) return null;
  const { retryable, retryAfterMs, stale, kind } = error;
  return { retryable: retryable && kind !== "concurrency", retryAfterMs, stale };
}
