import { AsyncQueue } from "../../agent/async-queue.ts";
import type { SpeechEvent, SpeechStream } from "../../agent/stt.ts";
import { TurnDetector, type TurnDetectorOptions } from "../../audio/detection/turn-detector.ts";
import { TurnSound } from "../../audio/detection/turn-sound.ts";
import type { VoiceActivity } from "../../audio/detection/voice-activity.ts";
import { durationMs, Framer, frameLength } from "../../audio/pcm.ts";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { Resampler } from "../../audio/resampler.ts";
import { now } from "../../shared/protocol.ts";

/** The rate of the sound that is transcribed, in hertz: models for speech are made for it. */
export const transcriptionRate = 16_000;

/** Makes words of sound. */
export interface Transcriber {
  /**
   * Resolves with the words. Rejects with the reason of the signal, or what the service says.
   * @param samples Mono, at {@link transcriptionRate}.
   */
  transcribe(samples: Int16Array, signal: AbortSignal): Promise<string>;
}

export interface TranscribedSpeechOptions extends TurnDetectorOptions {
  readonly activity: VoiceActivity;
  readonly transcriber: Transcriber;
  readonly eagerMs: number | null;
  readonly signal: AbortSignal;
}

/** The words of a pause, which may be those of the whole turn. */
interface Guess {
  readonly cancel: AbortController;
  readonly words: Promise<string | null>;
  /** The words, once they are told as an eager end. */
  told: string;
}

/** The turns of one participant: where a turn ends is found by sound; what was said by one request a turn. */
export class TranscribedSpeech implements SpeechStream {
  readonly #events = new AsyncQueue<SpeechEvent>();
  readonly #options: TranscribedSpeechOptions;
  readonly #turn: TurnDetector;
  readonly #pause: TurnDetector | null;
  readonly #framer = new Framer(frameLength(transcriptionRate));
  readonly #sound = new TurnSound();
  readonly #over = new AbortController();
  readonly #stop = () => this.#end();
  #resampler = new Resampler(transcriptionRate, transcriptionRate);
  #voice = false;
  #speaking = false;
  #guess: Guess | null = null;
  #audioDurationMs = 0;
  #open = true;
  /** The events so far are told: the end of a turn waits for its words, and what follows waits for that end. */
  #told: Promise<void> = Promise.resolve();

  constructor(options: TranscribedSpeechOptions) {
    this.#options = options;
    const { startMs, endMs, maxTurnMs, eagerMs, signal } = options;
    const given = Object.fromEntries(
      Object.entries({ startMs, endMs, maxTurnMs }).filter(([, value]) => value !== undefined),
    );
    const voice = () => this.#voice;
    this.#turn = new TurnDetector(voice, given);
    this.#pause = eagerMs === null ? null : new TurnDetector(voice, { ...given, endMs: eagerMs });
    signal.addEventListener("abort", this.#stop, { once: true });
  }

  get audioDurationMs(): number {
    return this.#audioDurationMs;
  }

  write(frame: PcmFrame): void {
    if (!this.#open) return;
    this.#audioDurationMs += durationMs(frame);
    const { sampleRate, samples } = frame;
    if (sampleRate !== this.#resampler.from) this.#resampler = new Resampler(sampleRate, transcriptionRate);
    for (const piece of this.#framer.push(this.#resampler.push(samples))) this.#take(piece, now());
  }

  async close(): Promise<void> {
    this.#end();
  }

  [Symbol.asyncIterator](): AsyncIterator<SpeechEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  #take(samples: Int16Array, at: number): void {
    // Both detectors judge each frame alike.
    this.#voice = this.#options.activity.isVoice(samples);
    this.#sound.add(samples, this.#voice);
    const frame = { samples, sampleRate: transcriptionRate };
    const pauses = this.#pause?.push(frame, at) ?? [];
    for (const event of this.#turn.push(frame, at)) {
      if (event.type === "started") this.#begin();
      else this.#tell(this.#ended(event.speechEndedAt, event.speechMs));
    }
    if (!this.#speaking) return;
    for (const event of pauses) {
      if (event.type === "ended") this.#ask(event.speechEndedAt);
      else this.#goOn();
    }
  }

  #begin(): void {
    this.#speaking = true;
    this.#sound.begin();
    this.#tell({ type: "started" });
  }

  /** Asks for the words in a pause, which may be the end of the turn. */
  #ask(speechEndedAt: number): void {
    const cancel = new AbortController();
    const signal = AbortSignal.any([cancel.signal, this.#over.signal]);
    const words = this.#options.transcriber.transcribe(this.#sound.samples, signal).catch(() => null);
    const guess: Guess = { cancel, words, told: "" };
    this.#guess = guess;
    void words.then((text) => {
      if (this.#guess !== guess || text === null || text === "") return;
      guess.told = text;
      this.#tell({ type: "eager_end", text, speechEndedAt });
    });
  }

  /** Notes that the participant goes on speaking after a pause. */
  #goOn(): void {
    const guess = this.#guess;
    if (guess === null) return;
    this.#guess = null;
    guess.cancel.abort(new DOMException("The words are not wanted any more", "AbortError"));
    if (guess.told !== "") this.#tell({ type: "resumed" });
  }

  /** Resolves with the end of the turn once its words are there. */
  async #ended(speechEndedAt: number, speechMs: number): Promise<SpeechEvent> {
    const guess = this.#guess;
    const { samples } = this.#sound;
    this.#speaking = false;
    this.#guess = null;
    this.#sound.end();
    const text = (await guess?.words) ?? (await this.#words(samples));
    // Without words it was a noise, unless nobody could tell them.
    return { type: "ended", text: text ?? "", speechEndedAt, ...(text === null ? { speechMs } : {}) };
  }

  /** Resolves with the words of a sound; with null where nobody could tell them, which is told as an error. */
  async #words(samples: Int16Array): Promise<string | null> {
    try {
      return await this.#options.transcriber.transcribe(samples, this.#over.signal);
    } catch (error) {
      if (this.#open) this.#events.push({ type: "error", error: error as Error, fatal: false });
      return null;
    }
  }

  #tell(event: SpeechEvent | Promise<SpeechEvent>): void {
    const before = this.#told;
    this.#told = Promise.all([event, before]).then(([told]) => {
      if (this.#open) this.#events.push(told);
    });
  }

  #end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#options.signal.removeEventListener("abort", this.#stop);
    this.#over.abort(new DOMException("Nobody listens any more", "AbortError"));
    this.#options.activity.free();
    this.#events.end();
  }
}
