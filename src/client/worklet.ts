/** The sample rate of what is sent over a WebSocket, in hertz, and of what comes. */
export const heardRate = 16_000;
export const spokenRate = 24_000;

let made: string | undefined;

/**
 * Returns the address of the module that records and plays in the thread of the browser's sound: one that the page serves
 * itself, or one made of this module's text.
 */
export function workletOf(url: string | undefined): string {
  if (url !== undefined) return url;
  made ??= URL.createObjectURL(new Blob([workletSource()], { type: "text/javascript" }));
  return made;
}

/** Returns the text of that module, for a page whose policy lets no script come from memory. */
export const workletSource = (): string => `(${worklet})()`;

/** The globals of that thread. */
declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare const sampleRate: number;
declare function registerProcessor(
  name: string,
  processor: new (options: { readonly processorOptions: { readonly rate: number } }) => AudioWorkletProcessor,
): void;

/** Runs in another thread, as text: it may use nothing of this file. */
function worklet(): void {
  /** Changes the rate of sound that comes in pieces, by a windowed sine filter. */
  class Resampler {
    readonly #step: number;
    readonly #cutoff: number;
    readonly #reach: number;
    #input = new Float32Array(0);
    #place: number;

    constructor(from: number, to: number) {
      this.#step = from / to;
      this.#cutoff = 0.92 * Math.min(1, to / from);
      this.#reach = Math.ceil(8 / this.#cutoff);
      this.#place = this.#reach;
      this.#input = new Float32Array(this.#reach);
    }

    push(samples: Float32Array): Float32Array {
      if (this.#step === 1) return samples;
      const input = new Float32Array(this.#input.length + samples.length);
      input.set(this.#input);
      input.set(samples, this.#input.length);
      const output: number[] = [];
      for (; this.#place + this.#reach < input.length; this.#place += this.#step)
        output.push(this.#at(input));
      const used = Math.max(0, Math.floor(this.#place) - this.#reach);
      this.#input = input.slice(used);
      this.#place -= used;
      return Float32Array.from(output);
    }

    #at(input: Float32Array): number {
      const first = Math.floor(this.#place) - this.#reach + 1;
      let sum = 0;
      for (let index = first; index < first + 2 * this.#reach; index += 1) {
        const distance = index - this.#place;
        const angle = Math.PI * distance * this.#cutoff;
        const sine = angle === 0 ? 1 : Math.sin(angle) / angle;
        const window = 0.5 + 0.5 * Math.cos((Math.PI * distance) / (this.#reach + 1));
        sum += (input[index] ?? 0) * sine * window;
      }
      return sum * this.#cutoff;
    }
  }

  /** Gives the sound of its input as pieces of 20 ms, 16-bit samples. */
  class Recorder extends AudioWorkletProcessor {
    readonly #resampler: Resampler;
    #piece: Int16Array;
    readonly #length: number;
    #filled = 0;
    #on = true;

    constructor({ processorOptions: { rate } }: { readonly processorOptions: { readonly rate: number } }) {
      super();
      this.#resampler = new Resampler(sampleRate, rate);
      this.#length = rate / 50;
      this.#piece = new Int16Array(this.#length);
      this.port.onmessage = () => {
        this.#on = false;
      };
    }

    process([input]: readonly (readonly Float32Array[])[]): boolean {
      const samples = input?.[0];
      if (samples) for (const sample of this.#resampler.push(samples)) this.#add(sample);
      return this.#on;
    }

    #add(sample: number): void {
      this.#piece[this.#filled] = Math.max(-32_768, Math.min(32_767, Math.round(32_768 * sample)));
      this.#filled += 1;
      if (this.#filled < this.#length) return;
      this.port.postMessage(this.#piece.buffer, [this.#piece.buffer]);
      this.#piece = new Int16Array(this.#length);
      this.#filled = 0;
    }
  }

  /** Plays pieces of sound that come over a network: some of it waits, so that a piece may be late. */
  class Player extends AudioWorkletProcessor {
    readonly #resampler: Resampler;
    /** Samples that wait before anything is played, and the most that may wait. */
    readonly #depth = Math.round(0.06 * sampleRate);
    readonly #most = Math.round(0.5 * sampleRate);
    #pieces: Float32Array[] = [];
    #waiting = 0;
    #filling = true;
    #blocks = 0;
    #on = true;

    constructor({ processorOptions: { rate } }: { readonly processorOptions: { readonly rate: number } }) {
      super();
      this.#resampler = new Resampler(rate, sampleRate);
      this.port.onmessage = ({ data }) => {
        if (data === null) this.#on = false;
        else this.#push(new Int16Array(data as ArrayBuffer));
      };
    }

    process(_inputs: unknown, [outputs]: readonly (readonly Float32Array[])[]): boolean {
      const output = outputs?.[0];
      this.#blocks += 1;
      if (this.#blocks % 128 === 0) this.port.postMessage(Math.round((1_000 * this.#waiting) / sampleRate));
      if (this.#filling && this.#waiting >= this.#depth) this.#filling = false;
      if (output && !this.#filling) this.#play(output);
      return this.#on;
    }

    #push(samples: Int16Array): void {
      const piece = this.#resampler.push(Float32Array.from(samples, (sample) => sample / 32_768));
      this.#pieces.push(piece);
      this.#waiting += piece.length;
      while (this.#waiting > this.#most) this.#waiting -= this.#pieces.shift()?.length ?? this.#waiting;
    }

    #play(output: Float32Array): void {
      let filled = 0;
      while (filled < output.length) {
        const [piece] = this.#pieces;
        if (!piece) {
          this.#filling = true;
          return;
        }
        const part = piece.subarray(0, output.length - filled);
        output.set(part, filled);
        filled += part.length;
        this.#waiting -= part.length;
        if (part.length === piece.length) this.#pieces.shift();
        else this.#pieces[0] = piece.subarray(part.length);
      }
    }
  }

  registerProcessor("greenroom-recorder", Recorder);
  registerProcessor("greenroom-player", Player);
}
