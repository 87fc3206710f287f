export interface EnergyGateOptions {
  /**
   * The factor by which speech is louder than the background. Default 3, which is 9.5 dB. Raise it where many people talk
   * around.
   */
  readonly overBackground?: number;
  /** Level below which nothing is speech, 0–32 768. Default 120, which is −49 dBFS. */
  readonly minLevel?: number;
}

/**
 * The share of the way to a quieter sound that the background's level goes with each frame. Louder sound that lasts becomes
 * background after some seconds, by `rise`.
 */
const fall = 0.3;
/**
 * The factor that makes the background grow tenfold in 2.3 s, unless there are gaps in what is heard: in speech there
 * are.
 */
const rise = 1.02;
/** A call may begin in noise: in the first half second the background grows thirtyfold. */
const firstRise = 1.15;
const firstFrames = 25;
/**
 * The number of frames after it was open for which the gate is easier to pass: words end more quietly than they begin.
 */
const easyFrames = 15;
const easier = 0.6;
export const defaultMinLevel = 120;
/** A call that begins with speech must not take it for the background. */
const loudestAtStart = 300;

/** Lets pass what is louder than the background, whose level it follows. */
export class EnergyGate {
  readonly #overBackground: number;
  readonly #minLevel: number;
  /** A background that is quieter makes no difference. */
  readonly #quietest: number;
  #background: number | null = null;
  #frames = 0;
  #easy = 0;

  constructor({ overBackground = 3, minLevel = defaultMinLevel }: EnergyGateOptions = {}) {
    this.#overBackground = overBackground;
    this.#minLevel = minLevel;
    this.#quietest = minLevel / overBackground;
  }

  /** Returns the level of the background, 0–32 768. */
  get background(): number {
    return this.#background ?? this.#quietest;
  }

  /** @param loud The level of the next frame. */
  isOpen(loud: number): boolean {
    const before = this.#background ?? Math.min(loud, loudestAtStart);
    this.#frames += 1;
    const growth = this.#frames > firstFrames ? rise : firstRise;
    const after = loud < before ? before + (loud - before) * fall : Math.min(loud, before * growth);
    this.#background = Math.max(this.#quietest, after);
    const over = this.#overBackground * (this.#easy > 0 ? easier : 1);
    const open = loud > Math.max(this.#minLevel, this.#background * over);
    this.#easy = open ? easyFrames : this.#easy - 1;
    return open;
  }
}
