import { type Checks, fillWith, number, oneOf } from "../../agent/options/option-checks.ts";
import type { SpeakOptions, SpeechChunk, TTS as TTSInterface } from "../../agent/tts.ts";
import { silence } from "../../audio/pcm.ts";
import { type FliteVoice, fliteVoices } from "./flite.ts";
import { fliteText } from "./flite-text.ts";
import { fliteThread } from "./flite-thread.ts";

/** The options of the offline voice. */
export interface LocalTTSOptions {
  /**
   * The voice: `slt` (a woman, the default), `rms`, `awb` (Scottish), `kal16` or `kal` (men). The sample rate
   * is 16,000 Hz, for `kal` 8,000 Hz.
   */
  readonly voice?: FliteVoice;
  /** The pace of the voice, 0.5–2. Default 1, its own. */
  readonly pace?: number;
}

const checks: Checks<LocalTTSOptions> = { voice: oneOf(fliteVoices), pace: number(0.5, 2) };

/**
 * The length of the silence for a text that cannot be spoken, in milliseconds, so that the text counts as
 * heard.
 */
const unspeakableMs = 200;

/**
 * A replacement of text to speech: CMU Flite in WebAssembly, in English, without network, key, or a model to
 * download. It runs in a thread of its own, which is one for all sessions of a server, and takes 40 ms of CPU for a
 * sentence of 2.5 s. Letters that are not Latin become silence, which is logged once.
 */
export class TTS implements TTSInterface {
  readonly provider = "local";
  readonly model: string;
  readonly #options: Required<LocalTTSOptions>;
  #state: "new" | "open" | "closed" = "new";
  #warned = false;

  /** Throws a `TypeError` for an unknown or wrong option. */
  constructor(options: LocalTTSOptions = {}) {
    this.#options = fillWith("local.TTS", options, checks, { voice: "slt", pace: 1 });
    this.model = `flite-${this.#options.voice}`;
  }

  /** Has the thread started and the voices loaded, which saves the first sentence some 100 ms. */
  async warm(): Promise<void> {
    this.#open();
    fliteThread.start();
  }

  async *speak(text: string, { signal }: SpeakOptions): AsyncGenerator<SpeechChunk, void, void> {
    this.#open();
    signal.throwIfAborted();
    const { pieces, unknown } = fliteText(text);
    if (unknown) this.#warn();
    if (pieces.length === 0) {
      yield silence(unspeakableMs, 16_000);
      return;
    }
    const cancel = new AbortController();
    const wanted = AbortSignal.any([signal, cancel.signal]);
    const make = (piece: string) => {
      const sound = fliteThread.synthesize(piece, this.#options, wanted);
      // The rejection need not be handled where the piece is not used.
      sound.catch(() => {});
      return sound;
    };
    try {
      let [next] = pieces.slice(0, 1).map(make);
      for (let index = 1; next !== undefined; index += 1) {
        const sound = await next;
        // The next piece is synthesised while this one is played.
        [next] = pieces.slice(index, index + 1).map(make);
        signal.throwIfAborted();
        yield sound;
      }
    } finally {
      cancel.abort(new DOMException("The speech is not wanted any more", "AbortError"));
    }
  }

  async close(): Promise<void> {
    if (this.#state === "open") fliteThread.release();
    this.#state = "closed";
  }

  #open(): void {
    if (this.#state === "closed") throw new Error("local.TTS is closed");
    if (this.#state === "new") fliteThread.hold();
    this.#state = "open";
  }

  #warn(): void {
    if (this.#warned) return;
    this.#warned = true;
    console.warn("local.TTS speaks English: text in other letters is not spoken");
  }
}
