import { frameLength } from "../pcm.ts";

/** The functions of the package's module, which has no types of its own. */
interface FvadModule {
  readonly HEAP16: Int16Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  _fvad_new(): number;
  _fvad_free(detector: number): void;
  _fvad_set_mode(detector: number, mode: number): number;
  _fvad_set_sample_rate(detector: number, sampleRate: number): number;
  _fvad_process(detector: number, frame: number, length: number): number;
}

export const fvadSampleRate = 16_000;
const length = frameLength(fvadSampleRate);
/** The strictest of 0–3: on clean speech it hears 91 % of the frames, and nothing in silence and steady noise. */
const strictest = 3;

let loading: Promise<FvadModule> | undefined;

/** Loads the detector, once a thread: 3 ms and less than 1 MiB. */
export function loadFvad(): Promise<FvadModule> {
  loading ??= import("@echogarden/fvad-wasm").then(({ default: load }) => load() as Promise<FvadModule>);
  return loading;
}

/** The voice activity detector of WebRTC: does this frame sound like speech? Holds memory that `free` gives back. */
export class Fvad implements Disposable {
  readonly #module: FvadModule;
  readonly #detector: number;
  readonly #frame: number;
  #freed = false;

  private constructor(module: FvadModule) {
    this.#module = module;
    this.#detector = module._fvad_new();
    this.#frame = module._malloc(length * 2);
    module._fvad_set_sample_rate(this.#detector, fvadSampleRate);
    module._fvad_set_mode(this.#detector, strictest);
  }

  static async create(): Promise<Fvad> {
    return new Fvad(await loadFvad());
  }

  /** @param frame 20 ms at 16 000 Hz. */
  isSpeech(frame: Int16Array): boolean {
    if (frame.length !== length) throw new RangeError(`A frame has ${length} samples, not ${frame.length}`);
    if (this.#freed) throw new Error("The detector is freed");
    this.#module.HEAP16.set(frame, this.#frame >> 1);
    return this.#module._fvad_process(this.#detector, this.#frame, length) === 1;
  }

  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.#module._free(this.#frame);
    this.#module._fvad_free(this.#detector);
  }

  [Symbol.dispose](): void {
    this.free();
  }
}
