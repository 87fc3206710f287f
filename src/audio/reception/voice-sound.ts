import { frameLength, level } from "../pcm.ts";
import { isSilent } from "./opus.ts";
import { SampleQueue } from "./sample-queue.ts";

/** Packets to samples, as `OpusDecoder` makes them. */
export interface VoiceDecoder {
  /** The sample rate, in hertz. */
  readonly sampleRate: number;
  decode(packet: Uint8Array): Int16Array;
  recover(next: Uint8Array, ms: number): Int16Array;
  conceal(ms: number): Int16Array;
}

/** Concealment sounds like the voice for about so long, in milliseconds; then it hums. */
const longestConcealmentMs = 60;
/** The level below which sound may be left out or drawn out without being noticed: −50 dBFS. */
const quiet = 100;

/** The sound of a voice, on its way from the decoder to whoever hears it in frames of 20 ms. */
export class VoiceSound {
  readonly decoder: VoiceDecoder;
  readonly #waiting: SampleQueue;
  readonly #frameLength: number;
  /** The length of the sound that was made up since the last real one, in milliseconds. */
  #madeUpMs = longestConcealmentMs;
  #lastLevel = 0;
  /** Sound that was made up in all, in milliseconds. */
  concealedMs = 0;

  constructor(decoder: VoiceDecoder) {
    this.decoder = decoder;
    this.#frameLength = frameLength(decoder.sampleRate);
    this.#waiting = new SampleQueue(8 * this.#frameLength);
  }

  /** Returns the sound that is decoded and not heard yet, in milliseconds. */
  get waitingMs(): number {
    return this.ms(this.#waiting.length);
  }

  get hasFrame(): boolean {
    return this.#waiting.length >= this.#frameLength;
  }

  /** Returns whether the last sound was so quiet that a bit more or less of it makes no difference. */
  get wasQuiet(): boolean {
    return this.#lastLevel <= quiet;
  }

  isQuiet(samples: Int16Array): boolean {
    return level(samples) <= quiet;
  }

  take(): Int16Array {
    const frame = this.#waiting.take(this.#frameLength);
    this.#lastLevel = level(frame);
    return frame;
  }

  push(samples: Int16Array): void {
    this.#waiting.push(samples);
  }

  /** Decodes a packet; returns null where it is none. */
  decode(packet: Uint8Array): Int16Array | null {
    try {
      const samples = this.decoder.decode(packet);
      // After a packet that only says that it is silent, nothing needs to be made up.
      this.#madeUpMs = isSilent(packet) ? longestConcealmentMs : 0;
      return samples;
    } catch {
      return null;
    }
  }

  /** Gives what is repeated in the packet after it; false where that fails. */
  recover(next: Uint8Array, ms: number): boolean {
    try {
      this.push(this.decoder.recover(next, ms));
      this.#madeUpMs = 0;
      return true;
    } catch {
      return false;
    }
  }

  /** Gives sound like what was heard last, fading, then silence. */
  conceal(ms: number): void {
    if (this.#madeUpMs >= longestConcealmentMs) {
      this.#pushSilence(ms);
      return;
    }
    this.#madeUpMs += ms;
    this.concealedMs += ms;
    // The codec conceals whole steps of 2.5 ms.
    const samples = this.decoder.conceal(Math.max(2.5, Math.ceil(ms / 2.5) * 2.5));
    const kept = samples.subarray(0, this.#samples(ms));
    if (this.#madeUpMs >= longestConcealmentMs) fadeOut(kept);
    this.push(kept);
  }

  /** Gives silence, after which nothing is made up. */
  silence(ms: number): void {
    this.#madeUpMs = longestConcealmentMs;
    this.#pushSilence(ms);
  }

  ms(samples: number): number {
    return (samples * 1_000) / this.decoder.sampleRate;
  }

  #pushSilence(ms: number): void {
    if (ms > 0) this.#waiting.pushSilence(this.#samples(ms));
  }

  #samples(ms: number): number {
    return Math.round((ms * this.decoder.sampleRate) / 1_000);
  }
}

function fadeOut(samples: Int16Array): void {
  const { length } = samples;
  for (let index = 0; index < length; index += 1) {
    samples[index] = Math.round(samples[index]! * (1 - (index + 1) / length));
  }
}
