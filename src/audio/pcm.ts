import type { PcmFrame } from "./pcm-frame.ts";

/** The length of one frame, in milliseconds. */
export const frameMs = 20;

/** Samples of one frame at this rate. Throws where 20 ms are no whole number of samples. */
export function frameLength(sampleRate: number): number {
  const length = (sampleRate * frameMs) / 1_000;
  if (!Number.isInteger(length) || length <= 0) {
    throw new RangeError(`${frameMs} ms at ${sampleRate} Hz are no whole number of samples`);
  }
  return length;
}

export function durationMs({ samples, sampleRate }: PcmFrame): number {
  return (samples.length * 1_000) / sampleRate;
}

/** Returns silence of this duration, in milliseconds. */
export function silence(ms: number, sampleRate: number): PcmFrame {
  return { samples: new Int16Array(Math.round((ms * sampleRate) / 1_000)), sampleRate };
}

export function concatenate(pieces: readonly Int16Array[]): Int16Array {
  const whole = new Int16Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Returns the root mean square: 0 for silence, 32 768 at most. */
export function level(samples: Int16Array): number {
  if (samples.length === 0) return 0;
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  return Math.sqrt(energy / samples.length);
}

/** Returns a level in dBFS: 0 for a full-scale square wave, −3 for a full-scale sine, `-Infinity` for silence. */
export function decibels(rms: number): number {
  return 20 * Math.log10(rms / 32_768);
}

/** Returns the samples times `gain`. Samples that would be too loud are clipped. */
export function amplify(samples: Int16Array, gain: number): Int16Array {
  return samples.map((sample) => clip(sample * gain));
}

/** Returns the samples with a loudness that goes from one share to another; the same samples where both are 1. */
export function ramp(samples: Int16Array, from: number, to: number): Int16Array {
  if (from === 1 && to === 1) return samples;
  const step = (to - from) / samples.length;
  return samples.map((sample, place) => clip(sample * (from + step * (place + 1))));
}

/** Returns both at once, as long as the longer one; what is too loud is clipped. */
export function mix(one: Int16Array, other: Int16Array): Int16Array {
  const [long, short] = one.length >= other.length ? [one, other] : [other, one];
  return long.map((sample, index) => clip(sample + (short[index] ?? 0)));
}

/** Returns the nearest sample. */
export function clip(value: number): number {
  return Math.max(-32_768, Math.min(32_767, Math.round(value)));
}

/** Cuts samples that come in pieces of any length into frames of one length. */
export class Framer {
  readonly length: number;
  #rest: Int16Array;
  #filled = 0;

  constructor(length: number) {
    this.length = length;
    this.#rest = new Int16Array(length);
  }

  /** Samples that wait for the rest of their frame. */
  get carried(): number {
    return this.#filled;
  }

  /** Takes samples, and gives every frame that is whole by now. */
  push(samples: Int16Array): Int16Array[] {
    const frames: Int16Array[] = [];
    let at = 0;
    if (this.#filled > 0) {
      at = Math.min(this.length - this.#filled, samples.length);
      this.#rest.set(samples.subarray(0, at), this.#filled);
      this.#filled += at;
      if (this.#filled < this.length) return frames;
      frames.push(this.#take());
    }
    for (; at + this.length <= samples.length; at += this.length) {
      frames.push(samples.slice(at, at + this.length));
    }
    this.#rest.set(samples.subarray(at));
    this.#filled = samples.length - at;
    return frames;
  }

  /** Returns the frame that has begun, filled up with silence; null where none has. */
  flush(): Int16Array | null {
    return this.#filled === 0 ? null : this.#take();
  }

  #take(): Int16Array {
    const frame = this.#rest;
    this.#rest = new Int16Array(this.length);
    this.#filled = 0;
    return frame;
  }
}
