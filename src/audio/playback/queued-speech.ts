import { Framer } from "../pcm.ts";
import { Resampler } from "../resampler.ts";
import type { SpeechChunk } from "../speech-chunk.ts";
import { HeardText } from "./heard-text.ts";

/** The text of a speech, and its place. */
export interface SpeechTag {
  /** The id of the speech. */
  readonly id: string;
  readonly text: string;
  /** The place in the reply where its text begins, in characters. */
  readonly offset: number;
}

/** The progress of one speech. Times are in milliseconds of sound. */
export interface SpeechReport extends SpeechTag {
  /** Sound that was made so far. */
  readonly totalMs: number;
  /** The sound that was handed to the edge. */
  readonly sentMs: number;
  /** The sound that participants have heard, as far as the edge's lead tells. */
  readonly heardMs: number;
  /**
   * The characters of its text that were heard: exact where the voice tells which character sounds when, else in
   * proportion.
   */
  readonly heardCharacters: number;
  /** Sound that was made and will not be sent. */
  readonly droppedMs: number;
  /** The time for which the sound stood still since it was not made in time, in milliseconds. */
  readonly starvedMs: number;
  /** `waiting → playing → over`, or `cut` from either. Over: the last frame is with the edge. */
  readonly state: SpeechState;
}

export type SpeechState = "waiting" | "playing" | "over" | "cut";

/** A frame, and how much of it is sound: the last one of a speech is filled up with silence. */
export interface QueuedFrame {
  readonly samples: Int16Array;
  readonly soundMs: number;
}

/** The queue, as a speech sees it: it is told when more of the speech comes, and knows how much of it is heard. */
export interface SpeechOwner {
  readonly sampleRate: number;
  changed(): void;
  /** Sound of this speech that is heard by now, in milliseconds. */
  heardMs(speech: QueuedSpeech): number;
}

/** One speech in the output queue: written as the voice makes it, played when its turn has come. */
export class QueuedSpeech {
  readonly tag: SpeechTag;
  readonly #owner: SpeechOwner;
  readonly #framer: Framer;
  readonly #heard: HeardText;
  #text: string;
  #resampler: Resampler | null = null;
  #frames: QueuedFrame[] = [];
  #next = 0;
  #state: SpeechState = "waiting";
  #complete = false;
  /** The voice failed before all of its sound was made. */
  #broken = false;
  #totalSamples = 0;
  #sentMs = 0;
  #lastSentAt: number | null = null;
  #starvedMs = 0;
  /** The sound that was heard, in milliseconds; it is set once the speech is cut, and then stays. */
  #finalHeardMs: number | null = null;

  /** Makes a speech; only the queue does. */
  constructor(tag: SpeechTag, owner: SpeechOwner) {
    this.tag = tag;
    this.#owner = owner;
    this.#framer = new Framer(owner.sampleRate / 50);
    this.#text = tag.text;
    this.#heard = new HeardText(tag.text);
  }

  get state(): SpeechState {
    return this.#state;
  }

  /** Returns whether all of its sound is written. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Returns the time when its last frame so far was sent, as epoch milliseconds. */
  get lastSentAt(): number | null {
    return this.#lastSentAt;
  }

  get hasFrames(): boolean {
    return this.#next < this.#frames.length;
  }

  /**
   * Adds more of its sound, in pieces of any length and rate. It has no effect once the speech is ended or cut, and
   * then returns false.
   */
  write({ samples, sampleRate, alignment }: SpeechChunk): boolean {
    if (this.#complete || this.#state === "cut") return false;
    if (alignment !== undefined) this.#heard.align(alignment);
    if (this.#resampler?.from !== sampleRate) {
      this.#add(this.#resampler?.flush());
      this.#resampler = new Resampler(sampleRate, this.#owner.sampleRate);
    }
    this.#add(this.#resampler.push(samples));
    this.#owner.changed();
    return true;
  }

  /** Adds words of its sound, where not all of them were known when it was opened. */
  addText(text: string): void {
    this.#text += text;
    this.#heard.append(text);
  }

  /** Ends the speech, of which there is no more. */
  end(): void {
    if (this.#complete || this.#state === "cut") return;
    this.#complete = true;
    this.#add(this.#resampler?.flush());
    const { carried } = this.#framer;
    const last = this.#framer.flush();
    if (last !== null) this.#frames.push({ samples: last, soundMs: this.#ms(carried) });
    this.#owner.changed();
  }

  /** Ends the speech early, since no more of it will come. The part that was made is played. The queue calls this. */
  breakOff(): void {
    if (this.#complete) return;
    this.#broken = true;
    this.end();
  }

  get report(): SpeechReport {
    const totalMs = this.#ms(this.#totalSamples);
    const heardMs = this.#finalHeardMs ?? this.#owner.heardMs(this);
    return {
      ...this.tag,
      text: this.#text,
      totalMs,
      sentMs: this.#sentMs,
      heardMs,
      heardCharacters:
        // A text without sound counts as heard once its turn is over.
        totalMs === 0 && this.#state === "over" && !this.#broken
          ? this.#text.length
          : this.#heard.length({ heardMs, totalMs, complete: this.#complete && !this.#broken }),
      droppedMs: this.#state === "cut" ? totalMs - this.#sentMs : 0,
      starvedMs: this.#starvedMs,
      state: this.#state,
    };
  }

  /** Returns the next frame, which is sent now, or undefined where there is none. The queue calls this. */
  take(at: number): QueuedFrame | undefined {
    const frame = this.#frames[this.#next];
    if (frame === undefined) return undefined;
    this.#next += 1;
    this.#sentMs += frame.soundMs;
    this.#lastSentAt = at;
    this.#state = "playing";
    return frame;
  }

  /** Adds a time for which its sound stood still. The queue calls this. */
  starved(ms: number): void {
    this.#starvedMs += ms;
  }

  /** Marks the speech as over, since its last frame is out. The queue calls this. */
  finish(): void {
    this.#state = "over";
    this.#frames = [];
    this.#next = 0;
  }

  /** Cuts the speech, of which nothing more will be sent, and returns its report. The queue calls this. */
  cut(): SpeechReport {
    this.#finalHeardMs = this.#owner.heardMs(this);
    if (this.#state !== "over") this.#state = "cut";
    this.#frames = [];
    this.#next = 0;
    return this.report;
  }

  #add(samples: Int16Array | undefined): void {
    if (samples === undefined) return;
    this.#totalSamples += samples.length;
    for (const frame of this.#framer.push(samples)) {
      this.#frames.push({ samples: frame, soundMs: this.#ms(frame.length) });
    }
  }

  #ms(samples: number): number {
    return (samples * 1_000) / this.#owner.sampleRate;
  }
}
