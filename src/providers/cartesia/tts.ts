import type { SpeechMarkup } from "../../agent/speech-text/voice-markup.ts";
import type { TTS as AgentTTS, SpeakOptions, SpeechChunk } from "../../agent/tts.ts";
import { BackOff, pause } from "../../shared/back-off.ts";
import { SpokenTexts } from "../sound/spoken-texts.ts";
import { CartesiaError, closedError } from "./error.ts";
import { type FilledTtsOptions, fillTtsOptions, type TTSOptions } from "./options.ts";
import { requestSpeech } from "./speech/speech.ts";
import { SpeechSocket } from "./speech/speech-socket.ts";

/** The first pause before a retry, in milliseconds; it doubles each time, and up to half of it is added at random. */
const backOff = new BackOff({ firstMs: 100, jitter: [1, 1.5] });

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
    const { firstByteTimeoutMs } = this.#options;
    yield* this.#speaking.speak({
      signal,
      service: "Cartesia",
      firstByteTimeoutMs,
      begin: (cancelled, deadlineAt) => this.#begin(text, cancelled, deadlineAt),
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

  /** Speaks the text, again where that helps, until the first sound arrives. After that nothing is repeated. */
  async *#begin(text: string, signal: AbortSignal, deadlineAt: number): AsyncGenerator<SpeechChunk, void> {
    for (let retries = 0; ; ) {
      const chunks = requestSpeech({ socket: this.#connection(), options: this.#options, text, signal });
      let first: SpeechChunk;
      try {
        const { done, value } = await chunks.next();
        if (done) throw emptyAnswer();
        first = value;
      } catch (error) {
        if (!(error instanceof CartesiaError)) throw error;
        // The kept connection was just being closed: the text is sent on a new one.
        if (error.stale) continue;
        const pauseMs = Math.max(error.retryAfterMs ?? 0, backOff.pauseMs(retries + 1));
        const helps = error.retryable && error.kind !== "concurrency" && retries < this.#options.maxRetries;
        if (!helps || performance.now() + pauseMs >= deadlineAt) throw error;
        retries++;
        await pause(pauseMs, { signal });
        continue;
      }
      try {
        yield first;
        yield* chunks;
        return;
      } finally {
        await chunks.return();
      }
    }
  }
}

/** @throws a `TypeError` where an option is wrong, or the key is missing */
export const TTS: new (options?: TTSOptions) => TTS = CartesiaTts;

function emptyAnswer(): CartesiaError {
  return new CartesiaError("Cartesia answered without any sound", { kind: "server", code: "empty_answer" });
}
