import { Framer, frameLength } from "../pcm.ts";
import { Resampler } from "../resampler.ts";

/** The functions of the package's module, which has no types of its own. */
interface RnnoiseModule {
  readonly HEAPF32: Float32Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  _rnnoise_create(model: number): number;
  _rnnoise_destroy(state: number): void;
  /** Returns how likely the input is speech, 0…1, and writes it without its noise to the output. */
  _rnnoise_process_frame(state: number, output: number, input: number): number;
}

/** The rate of all sound that is judged, in hertz. */
export const detectionRate = 16_000;
/** The rate and the length that the network was trained with: 10 ms. */
const networkRate = 48_000;
const networkLength = networkRate / 100;
const length = frameLength(detectionRate);

/** A frame as the network judges it. */
export interface FrameJudgement {
  /** The likelihood that it is speech, 0…1. */
  readonly probability: number;
  /** The level of what is left of it without its noise, 0–32 768. */
  readonly level: number;
}

let loading: Promise<RnnoiseModule> | undefined;

/** Loads the network, once a thread. */
export function loadRnnoise(): Promise<RnnoiseModule> {
  loading ??= import("@echogarden/rnnoise-wasm").then(
    ({ default: load }) => load() as Promise<RnnoiseModule>,
  );
  return loading;
}

/**
 * RNNoise: how likely a frame is speech, also in noise as loud as the speech, and how loud it is without the noise. It needs
 * 10 to 20 ms more of the sound than it judges. Holds memory that `free` gives back.
 */
export class Rnnoise implements Disposable {
  readonly #module: RnnoiseModule;
  readonly #state: number;
  readonly #input: number;
  readonly #output: number;
  readonly #resampler = new Resampler(detectionRate, networkRate);
  readonly #framer = new Framer(networkLength);
  #freed = false;

  private constructor(module: RnnoiseModule) {
    this.#module = module;
    this.#state = module._rnnoise_create(0);
    this.#input = module._malloc(networkLength * 4);
    this.#output = module._malloc(networkLength * 4);
  }

  static async create(): Promise<Rnnoise> {
    return new Rnnoise(await loadRnnoise());
  }

  /** @param frame 20 ms at 16 000 Hz. */
  judge(frame: Int16Array): FrameJudgement {
    if (frame.length !== length) throw new RangeError(`A frame has ${length} samples, not ${frame.length}`);
    if (this.#freed) throw new Error("The detector is freed");
    let probability = 0;
    let energy = 0;
    const pieces = this.#framer.push(this.#resampler.push(frame));
    for (const piece of pieces) {
      const { HEAPF32: heap } = this.#module;
      heap.set(piece, this.#input >> 2);
      const found = this.#module._rnnoise_process_frame(this.#state, this.#output, this.#input);
      probability = Math.max(probability, found);
      const start = this.#output >> 2;
      for (let at = start; at < start + networkLength; at += 1) energy += heap[at]! * heap[at]!;
    }
    // The first frame gives one piece, since the resampler has to look ahead.
    return { probability, level: Math.sqrt(energy / (pieces.length * networkLength)) };
  }

  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.#module._free(this.#input);
    this.#module._free(this.#output);
    this.#module._rnnoise_destroy(this.#state);
  }

  [Symbol.dispose](): void {
    this.free();
  }
}
