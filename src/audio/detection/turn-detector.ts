import { Framer, frameLength, frameMs } from "../pcm.ts";
import type { PcmFrame } from "../pcm-frame.ts";
import { Resampler } from "../resampler.ts";
import { detectionRate } from "./rnnoise.ts";

export interface TurnDetectorOptions {
  /** Voice that begins a turn, in milliseconds. Default 80: a click is shorter. */
  readonly startMs?: number;
  /** Quiet that ends a turn, in milliseconds. Default 600; less cuts in where people pause to think. */
  readonly endMs?: number;
  /**
   * The longest turn, in milliseconds. Default 30 000: in lasting noise that sounds like speech it has to end
   * somewhere.
   */
  readonly maxTurnMs?: number;
}

export const defaultTurnDetection = {
  startMs: 80,
  endMs: 600,
  maxTurnMs: 30_000,
} as const satisfies TurnDetectorOptions;

/** An event that the detector found. Times are those that were given with the sound. */
export type DetectedEvent =
  | { readonly type: "started" }
  | {
      readonly type: "ended";
      /** The time from the first sound of speech to the last, in milliseconds. */
      readonly speechMs: number;
      /** The time of the last sound of speech. */
      readonly speechEndedAt: number;
    };

/** A single frame is no speech: it must not keep a turn open. */
const continueFrames = 2;

/**
 * Finds turns in sound by voice and quiet alone. It counts in the time of the sound, so it finds the same in sound that comes
 * faster than life.
 */
export class TurnDetector {
  readonly #isVoice: (frame: Int16Array) => boolean;
  readonly #startFrames: number;
  readonly #endFrames: number;
  readonly #maxFrames: number;
  readonly #framer = new Framer(frameLength(detectionRate));
  #resampler = new Resampler(detectionRate, detectionRate);
  #speaking = false;
  /** Frames since the first of the turn, or of what may become one. */
  #frames = 0;
  /** Frames with voice that may become a turn. */
  #voiced = 0;
  /** Frames with voice in a row. */
  #run = 0;
  #quiet = 0;
  /** Frames of the turn up to the last with speech. */
  #speechFrames = 0;
  #speechEndedAt = 0;

  /** @param isVoice Asked for every 20 ms at 16 000 Hz, in order. */
  constructor(isVoice: (frame: Int16Array) => boolean, options: TurnDetectorOptions = {}) {
    const { startMs, endMs, maxTurnMs } = { ...defaultTurnDetection, ...options };
    this.#isVoice = isVoice;
    this.#startFrames = Math.max(1, Math.ceil(startMs / frameMs));
    this.#endFrames = Math.max(1, Math.ceil(endMs / frameMs));
    this.#maxFrames = Math.max(this.#startFrames, Math.ceil(maxTurnMs / frameMs));
  }

  /** Returns whether a turn is under way. */
  get speaking(): boolean {
    return this.#speaking;
  }

  /** Takes the next sound, of any length and rate, that came at this time. */
  push({ samples, sampleRate }: PcmFrame, at: number): DetectedEvent[] {
    if (sampleRate !== this.#resampler.from) this.#resampler = new Resampler(sampleRate, detectionRate);
    return this.#framer
      .push(this.#resampler.push(samples))
      .map((frame) => this.#take(this.#isVoice(frame), at))
      .filter((event) => event !== null);
  }

  #take(voice: boolean, at: number): DetectedEvent | null {
    this.#run = voice ? this.#run + 1 : 0;
    return this.#speaking ? this.#inTurn(at) : this.#between(voice, at);
  }

  #between(voice: boolean, at: number): DetectedEvent | null {
    if (voice) {
      this.#voiced += 1;
      this.#speechEndedAt = at;
      this.#speechFrames = this.#frames + 1;
    } else this.#voiced = Math.max(0, this.#voiced - 1);
    this.#frames = this.#voiced === 0 ? 0 : this.#frames + 1;
    if (this.#voiced < this.#startFrames) return null;
    this.#speaking = true;
    this.#quiet = 0;
    return { type: "started" };
  }

  #inTurn(at: number): DetectedEvent | null {
    this.#frames += 1;
    if (this.#run >= continueFrames) {
      this.#quiet = 0;
      this.#speechFrames = this.#frames;
      this.#speechEndedAt = at;
    } else this.#quiet += 1;
    // With a frame of voice the turn may be going on: the next frame tells.
    const over = this.#quiet >= this.#endFrames && this.#run === 0;
    if (!over && this.#frames < this.#maxFrames) return null;
    const ended = this.#speechFrames * frameMs;
    this.#speaking = false;
    this.#voiced = 0;
    this.#frames = 0;
    return { type: "ended", speechMs: ended, speechEndedAt: this.#speechEndedAt };
  }
}
