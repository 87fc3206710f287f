import { setTimeout as delay } from "node:timers/promises";
import {
  type Checks,
  checkOptions,
  duration,
  list,
  number,
  truth,
  whole,
} from "../agent/options/option-checks.ts";
import type { Alignment, SpeakOptions, SpeechChunk, TTS as TTSInterface } from "../agent/tts.ts";
import { tone } from "../providers/memory/tone.ts";
import { within } from "../shared/deadline.ts";

/** The options of a scripted voice. */
export interface TtsOptions {
  /**
   * The sample rate, in hertz.
   * @default 16000
   */
  readonly sampleRate?: number;
  /**
   * The length of each character's sound, in milliseconds.
   * @default 20, which is three times as fast as people speak
   */
  readonly characterMs?: number;
  /**
   * The number of characters in a chunk.
   * @default 10
   */
  readonly chunkCharacters?: number;
  /**
   * The pause before the first chunk, in milliseconds.
   * @default 0
   */
  readonly firstChunkMs?: number;
  /**
   * The pause before each further chunk, in milliseconds.
   * @default 0
   */
  readonly chunkMs?: number;
  /**
   * Says whether chunks have the times of their characters.
   * @default true
   */
  readonly alignment?: boolean;
  /**
   * The failures, speech after speech; null is none. After those, no speech fails.
   * @default none
   */
  readonly failures?: readonly (TtsFailure | null)[];
}

const checks: Checks<TtsOptions> = {
  sampleRate: whole(8_000, 96_000),
  characterMs: number(1, 10_000),
  chunkCharacters: whole(1),
  firstChunkMs: duration(0),
  chunkMs: duration(0),
  alignment: truth,
  failures: list("failures"),
};

/** A failure of a speech. */
export interface TtsFailure {
  readonly error: Error;
  /**
   * The number of chunks before the error.
   * @default 0
   */
  readonly afterChunks?: number;
}

/** A text that the voice was asked to speak. */
export interface Spoken {
  readonly text: string;
  readonly previousText: string | null;
  readonly nextText: string | null;
  /**
   * The state of the speech. A `cancelled` one was given up before its end, by the signal or by its reader.
   */
  readonly state: "speaking" | "done" | "cancelled" | "failed";
  /** The number of characters whose sound was made. */
  readonly made: number;
}

type Progress = { -readonly [Key in keyof Spoken]: Spoken[Key] };

/**
 * A voice that makes tones: each speech has its own tone, and each character the same length. A test can tell
 * from a recording which characters of which speech were heard, by `testing.TTS.frequencyOf`.
 */
export interface TTS extends TTSInterface {
  readonly provider: "testing";
  readonly model: "tones";
  /** The texts that the voice was asked to speak so far, in order. */
  readonly spoken: readonly Spoken[];
  /** Stops all speeches before their next chunk, until the returned function is called. */
  hold(): () => void;
  /**
   * Resolves with the last of so many speeches when they were asked for.
   * @throws a `DeadlineError` after 10 s
   */
  asked(count: number): Promise<Spoken>;
}

class ToneTts implements TTS {
  readonly provider = "testing";
  readonly model = "tones";
  readonly #spoken: Progress[] = [];
  readonly #options: TtsOptions;
  readonly #failures: (TtsFailure | null)[];
  #changed = Promise.withResolvers<void>();
  #held: Promise<void> | null = null;

  constructor(options: TtsOptions = {}) {
    checkOptions("testing.TTS", options, checks);
    this.#options = options;
    this.#failures = [...(options.failures ?? [])];
  }

  get spoken(): readonly Spoken[] {
    return this.#spoken;
  }

  static frequencyOf(index: number): number {
    return 300 + 100 * (index % 10);
  }

  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    return () => {
      this.#held = null;
      resolve();
    };
  }

  async asked(count: number): Promise<Spoken> {
    const wait = async () => {
      while (this.#spoken.length < count) await this.#changed.promise;
    };
    await within(wait(), 10_000, `${count} speeches`);
    return this.#spoken[count - 1]!;
  }

  async *speak(text: string, options: SpeakOptions): AsyncGenerator<SpeechChunk, void, void> {
    const { previousText = null, nextText = null, signal } = options;
    const spoken: Progress = { text, previousText, nextText, state: "speaking", made: 0 };
    const frequency = ToneTts.frequencyOf(this.#spoken.length);
    this.#spoken.push(spoken);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    const failure = this.#failures.shift() ?? null;
    try {
      let chunks = 0;
      for await (const chunk of this.#chunks(spoken, frequency, signal)) {
        if (failure !== null && chunks >= (failure.afterChunks ?? 0)) throw failure.error;
        chunks += 1;
        spoken.made += chunk.alignment.characters.join("").length;
        const { samples, sampleRate } = chunk;
        yield this.#options.alignment === false ? { samples, sampleRate } : chunk;
      }
      if (failure !== null) throw failure.error;
      spoken.state = "done";
    } catch (error) {
      spoken.state = signal.aborted ? "cancelled" : "failed";
      throw error;
    } finally {
      if (spoken.state === "speaking") spoken.state = "cancelled";
    }
  }

  async close(): Promise<void> {}

  async *#chunks(
    { text }: Progress,
    frequency: number,
    signal: AbortSignal,
  ): AsyncGenerator<SpeechChunk & { readonly alignment: Alignment }, void, void> {
    const { sampleRate = 16_000, characterMs = 20, chunkCharacters = 10 } = this.#options;
    const { firstChunkMs = 0, chunkMs = 0 } = this.#options;
    const characters = [...text];
    for (let begin = 0; begin < characters.length; begin += chunkCharacters) {
      const pauseMs = begin === 0 ? firstChunkMs : chunkMs;
      if (pauseMs > 0) await delay(pauseMs, undefined, { signal });
      if (this.#held !== null) await orAborted(signal, this.#held);
      signal.throwIfAborted();
      const part = characters.slice(begin, begin + chunkCharacters);
      const startMs = part.map((_, index) => (begin + index) * characterMs);
      const sound = tone(frequency, part.length * characterMs, { sampleRate, fromMs: begin * characterMs });
      yield { ...sound, alignment: { characters: part, startMs } };
    }
  }
}

export const TTS: {
  /** @throws a `TypeError` that names an option which does not exist or cannot be */
  new (options?: TtsOptions): TTS;
  /** Returns the frequency of a speech, by its index in `spoken`, in hertz: 300, 400 … 1,200, and again. */
  frequencyOf(index: number): number;
} = ToneTts;

async function orAborted(signal: AbortSignal, promise: Promise<void>): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
