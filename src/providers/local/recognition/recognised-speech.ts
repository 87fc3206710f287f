import { AsyncQueue } from "../../../agent/async-queue.ts";
import type { SpeechEvent, SpeechStream } from "../../../agent/stt.ts";
import type { RecogniserAccess } from "../../../agent/thread/shared-threads.ts";
import { TurnDetector, type TurnDetectorOptions } from "../../../audio/detection/turn-detector.ts";
import { TurnSound } from "../../../audio/detection/turn-sound.ts";
import type { VoiceActivity } from "../../../audio/detection/voice-activity.ts";
import { durationMs, Framer, frameLength } from "../../../audio/pcm.ts";
import type { PcmFrame } from "../../../audio/pcm-frame.ts";
import { Resampler } from "../../../audio/resampler.ts";
import { now } from "../../../shared/protocol.ts";
import { recognitionRate } from "./messages.ts";
import { type Recognised, RecognitionLine } from "./recognition-line.ts";

export interface RecognisedSpeechOptions extends TurnDetectorOptions {
  readonly access: RecogniserAccess;
  readonly activity: VoiceActivity;
  readonly eagerMs: number;
  readonly captionMs: number;
  readonly keyterms: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * A part of a turn that is longer than this is recognised for good at the next pause, in milliseconds: all of it would be
 * recognised again with every caption, and the model was not made for more than some ten seconds.
 */
const commitMs = 8_000;
/** A turn without a pause is cut between two words after this time, in milliseconds. */
const cutMs = 20_000;
/** A caption costs the recognition of the whole part; it may take this share of the time, so that a long one comes less often. */
const captionShare = 0.1;

/** A guess at the words, in a pause. */
interface Guess {
  /** The sound that it is of, in milliseconds. */
  readonly lengthMs: number;
  readonly answer: Promise<Recognised | null>;
  /** The words of this part, once they are told as an eager end. */
  text: string | null;
}

/** The turns of one participant, in words: where a turn ends is found by sound, what was said by the recogniser. */
export class RecognisedSpeech implements SpeechStream {
  readonly #events = new AsyncQueue<SpeechEvent>();
  readonly #options: RecognisedSpeechOptions;
  readonly #turn: TurnDetector;
  readonly #pause: TurnDetector;
  readonly #framer = new Framer(frameLength(recognitionRate));
  readonly #sound = new TurnSound();
  readonly #close = () => this.#stop();
  #line!: RecognitionLine;
  #resampler = new Resampler(recognitionRate, recognitionRate);
  #voice = false;
  #speaking = false;
  /** The parts of this turn that are recognised for good, in order. */
  #parts: Promise<string>[] = [];
  #guess: Guess | null = null;
  #captionAt = 0;
  #audioDurationMs = 0;
  #open = true;
  /** The events so far are told: the end of a turn waits for its words, and what follows waits for that end. */
  #told: Promise<void> = Promise.resolve();

  private constructor(options: RecognisedSpeechOptions) {
    this.#options = options;
    const { startMs, endMs, maxTurnMs, eagerMs } = options;
    const given = Object.fromEntries(
      Object.entries({ startMs, endMs, maxTurnMs }).filter(([, value]) => value !== undefined),
    );
    const voice = () => this.#voice;
    this.#turn = new TurnDetector(voice, given);
    this.#pause = new TurnDetector(voice, { ...given, endMs: eagerMs });
  }

  /** Rejects where there is no recogniser at the moment; the detector is then still the caller's. */
  static async open(options: RecognisedSpeechOptions): Promise<RecognisedSpeech> {
    const speech = new RecognisedSpeech(options);
    speech.#line = await RecognitionLine.open({
      access: options.access,
      keyterms: options.keyterms,
      lost: (error) => speech.#events.push({ type: "error", error, fatal: false }),
      over: (error) => {
        speech.#events.push({ type: "error", error, fatal: true });
        speech.#stop();
      },
    });
    if (options.signal.aborted) {
      speech.#line.close();
      throw options.signal.reason;
    }
    options.signal.addEventListener("abort", speech.#close, { once: true });
    return speech;
  }

  get audioDurationMs(): number {
    return this.#audioDurationMs;
  }

  write(frame: PcmFrame): void {
    if (!this.#open) return;
    this.#audioDurationMs += durationMs(frame);
    const { sampleRate, samples } = frame;
    if (sampleRate !== this.#resampler.from) this.#resampler = new Resampler(sampleRate, recognitionRate);
    for (const piece of this.#framer.push(this.#resampler.push(samples))) this.#take(piece, now());
  }

  async close(): Promise<void> {
    this.#stop();
  }

  [Symbol.asyncIterator](): AsyncIterator<SpeechEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  #take(samples: Int16Array, at: number): void {
    // Both detectors judge each frame alike.
    this.#voice = this.#options.activity.isVoice(samples);
    this.#sound.add(samples, this.#voice);
    const frame = { samples, sampleRate: recognitionRate };
    const pauses = this.#pause.push(frame, at);
    for (const event of this.#turn.push(frame, at)) {
      if (event.type === "started") this.#begin(at);
      else this.#tell(this.#end(event.speechEndedAt, event.speechMs));
    }
    if (!this.#speaking) return;
    for (const event of pauses) {
      if (event.type === "ended") this.#guessWords(event.speechEndedAt);
      else this.#goOn();
    }
    if (this.#sound.lengthMs >= cutMs) this.#commit(this.#sound.cutAtQuietest());
    this.#captionWhereDue(at);
  }

  #begin(at: number): void {
    this.#speaking = true;
    this.#sound.begin();
    this.#captionAt = at + this.#options.captionMs;
    this.#tell({ type: "started" });
  }

  /** Guesses the words in a pause, which may be the end of the turn. */
  #guessWords(speechEndedAt: number): void {
    const guess: Guess = {
      lengthMs: this.#sound.lengthMs,
      answer: this.#line.ask("guess", this.#sound.samples).catch(() => null),
      text: null,
    };
    this.#guess = guess;
    void Promise.all([guess.answer, this.#before()]).then(([answer, before]) => {
      if (this.#guess !== guess || answer === null) return;
      guess.text = answer.text;
      const text = joined([before, answer.text]);
      if (text !== "") this.#tell({ type: "eager_end", text, speechEndedAt });
    });
  }

  /** Notes that the participant goes on speaking after a pause. */
  #goOn(): void {
    const guess = this.#guess;
    if (guess === null) return;
    this.#guess = null;
    if (guess.text !== null && guess.text !== "") this.#tell({ type: "resumed" });
    if (guess.lengthMs >= commitMs) this.#commit(this.#sound.cut(guess.lengthMs), guess);
  }

  /** Recognises a part of the turn for good. */
  #commit(samples: Int16Array, guess: Guess | null = null): void {
    this.#guess = null;
    const words = guess?.text ?? null;
    this.#parts.push(words === null ? this.#wordsOf(samples) : Promise.resolve(words));
  }

  /** Resolves with the end of the turn once its words are there. */
  async #end(speechEndedAt: number, speechMs: number): Promise<SpeechEvent> {
    const guess = this.#guess;
    const { samples } = this.#sound;
    const before = this.#before();
    this.#speaking = false;
    this.#guess = null;
    this.#parts = [];
    this.#sound.end();
    let failed = false;
    const last =
      guess?.text ??
      (await guess?.answer)?.text ??
      (await this.#wordsOf(samples, () => {
        failed = true;
      }));
    const text = joined([await before, last]);
    // Without words it was a noise, unless nobody could tell them.
    return { type: "ended", text, speechEndedAt, ...(failed && text === "" ? { speechMs } : {}) };
  }

  #captionWhereDue(at: number): void {
    const { captionMs } = this.#options;
    if (captionMs === 0 || this.#guess !== null || at < this.#captionAt) return;
    this.#captionAt = Number.POSITIVE_INFINITY;
    void this.#caption();
  }

  async #caption(): Promise<void> {
    const parts = this.#parts;
    const answer = await this.#line.ask("caption", this.#sound.samples).catch(() => null);
    const text = joined([await this.#before(), answer?.text ?? ""]);
    this.#captionAt = now() + Math.max(this.#options.captionMs, (answer?.ms ?? 0) / captionShare);
    const isOfThisTurn = this.#speaking && this.#parts === parts && this.#guess === null;
    if (answer !== null && isOfThisTurn && text !== "") this.#tell({ type: "partial", text });
  }

  /** Resolves with the words of the parts before. */
  async #before(): Promise<string> {
    return joined(await Promise.all(this.#parts));
  }

  /** Resolves with the words of a sound, with none where nobody could tell them. */
  async #wordsOf(samples: Int16Array, failed: () => void = () => {}): Promise<string> {
    try {
      return (await this.#line.ask("turn", samples))?.text ?? "";
    } catch (error) {
      failed();
      if (this.#open) this.#events.push({ type: "error", error: error as Error, fatal: false });
      return "";
    }
  }

  #tell(event: SpeechEvent | Promise<SpeechEvent>): void {
    const before = this.#told;
    this.#told = Promise.all([event, before]).then(([told]) => {
      if (this.#open) this.#events.push(told);
    });
  }

  #stop(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#options.signal.removeEventListener("abort", this.#close);
    this.#options.activity.free();
    this.#line.close();
    this.#events.end();
  }
}

const joined = (parts: readonly string[]): string => parts.filter((part) => part !== "").join(" ");
