import { clip, concatenate } from "./pcm.ts";
import type { PcmFrame } from "./pcm-frame.ts";

/** Zero crossings of the filter on each side: more make its edge steeper, and each sample dearer. */
const zeroCrossings = 24;
/** The frequency at which the filter cuts, as a part of the lower of the two rates. */
const cutoff = 0.46;
/** The parameter of the Kaiser window, by which the filter stops about 90 dB. */
const kaiserBeta = 8.96;
/** Two rates whose ratio needs more phases than this are not rates of sound. */
const mostPhases = 2_000;

/**
 * The samples of a sine in a low-pass filter, one row for each place that an output sample can have between two input
 * samples.
 */
interface Filter {
  /** Output and input rate, divided by what they have in common. */
  readonly up: number;
  readonly down: number;
  /** Input samples that the filter sees before and after the place of an output sample. */
  readonly reach: number;
  /** `up` rows of 2 × `reach`. */
  readonly taps: Float64Array;
}

const filters = new Map<string, Filter>();

/**
 * Changes the sample rate of sound that comes in pieces: a windowed sine filter, in as many phases as the ratio needs, so
 * any two rates of sound work. The output is not delayed against the input, but its end comes only with {@link flush}.
 */
export class Resampler {
  readonly from: number;
  readonly to: number;
  readonly #filter: Filter | null;
  /** Input from `#start` on that is needed yet, with silence before the first sample. */
  #input: Int16Array;
  /** The number of the input sample that is the first of `#input`. */
  #start = 0;
  #taken = 0;
  #given = 0;

  /** Rates in hertz. Throws a `RangeError` for what is no rate of sound. */
  constructor(from: number, to: number) {
    this.from = from;
    this.to = to;
    this.#filter = from === to ? null : filterOf(from, to);
    this.#input = new Int16Array(0);
    this.#reset();
  }

  push(samples: Int16Array): Int16Array {
    if (this.#filter === null) return samples;
    this.#input = concatenate([this.#input, samples]);
    this.#taken += samples.length;
    return this.#convert(this.#filter, this.#taken - this.#filter.reach);
  }

  /** Returns the sound that is still inside. Then the resampler is ready for other sound. */
  flush(): Int16Array {
    if (this.#filter === null) return new Int16Array(0);
    this.#input = concatenate([this.#input, new Int16Array(this.#filter.reach + 1)]);
    const rest = this.#convert(this.#filter, this.#taken);
    this.#reset();
    return rest;
  }

  #reset(): void {
    const reach = this.#filter?.reach ?? 0;
    this.#input = new Int16Array(reach);
    this.#start = -reach;
    this.#taken = 0;
    this.#given = 0;
  }

  /** Returns every output sample whose place is before input sample `end`. */
  #convert({ up, down, reach, taps }: Filter, end: number): Int16Array {
    const last = Math.max(this.#given, Math.ceil((end * up) / down));
    const output = new Int16Array(last - this.#given);
    const input = this.#input;
    const width = 2 * reach;
    for (let index = 0; index < output.length; index += 1) {
      const place = (this.#given + index) * down;
      const row = (place % up) * width;
      const first = Math.floor(place / up) - reach + 1 - this.#start;
      let sum = 0;
      for (let tap = 0; tap < width; tap += 1) sum += input[first + tap]! * taps[row + tap]!;
      output[index] = clip(sum);
    }
    this.#given = last;
    const needed = Math.floor((last * down) / up) - reach + 1;
    if (needed > this.#start) {
      this.#input = input.slice(needed - this.#start);
      this.#start = needed;
    }
    return output;
  }
}

/** Returns a whole piece of sound at another rate. */
export function resample(sound: PcmFrame, sampleRate: number): PcmFrame {
  if (sound.sampleRate === sampleRate) return sound;
  const resampler = new Resampler(sound.sampleRate, sampleRate);
  return { samples: concatenate([resampler.push(sound.samples), resampler.flush()]), sampleRate };
}

function filterOf(from: number, to: number): Filter {
  const name = `${from}:${to}`;
  const filter = filters.get(name) ?? makeFilter(from, to);
  filters.set(name, filter);
  return filter;
}

function makeFilter(from: number, to: number): Filter {
  for (const rate of [from, to]) {
    if (!Number.isInteger(rate) || rate < 4_000 || rate > 384_000) {
      throw new RangeError(`${rate} Hz is no sample rate of sound`);
    }
  }
  const common = commonDivisor(from, to);
  const up = to / common;
  const down = from / common;
  if (up > mostPhases) throw new RangeError(`Cannot make ${to} Hz of ${from} Hz: the ratio is ${up}:${down}`);
  /** The lower rate, in samples of the input. */
  const lower = Math.min(1, to / from);
  const reach = Math.ceil(zeroCrossings / lower);
  const width = 2 * reach;
  const taps = new Float64Array(up * width);
  for (let phase = 0; phase < up; phase += 1) {
    const row = taps.subarray(phase * width, (phase + 1) * width);
    for (let tap = 0; tap < width; tap += 1) {
      const distance = tap - reach + 1 - phase / up;
      row[tap] = sinc(2 * cutoff * lower * distance) * kaiser(distance / reach);
    }
    // Each phase by itself passes a constant unchanged: otherwise the phases would be heard as a tone.
    const sum = row.reduce((total, value) => total + value, 0);
    for (let tap = 0; tap < width; tap += 1) row[tap]! /= sum;
  }
  return { up, down, reach, taps };
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Returns the window at a place from −1 to 1. */
function kaiser(x: number): number {
  return Math.abs(x) >= 1 ? 0 : bessel(kaiserBeta * Math.sqrt(1 - x * x)) / bessel(kaiserBeta);
}

/** Returns the modified Bessel function of the first kind, order 0, by its series. */
function bessel(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
