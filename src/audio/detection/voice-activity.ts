import { level } from "../pcm.ts";
import { defaultMinLevel, EnergyGate, type EnergyGateOptions } from "./energy-gate.ts";
import { Rnnoise } from "./rnnoise.ts";

/**
 * The likelihood of speech with which voice begins, and that with which it goes on for some frames. In noise that begins with a call the
 * network takes some of it for speech, but is not that sure.
 */
const surely = 0.8;
const probably = 0.4;
const goesOnFrames = 8;
/** The likelihood from which on the background sounds like speech: music is often less like it, and noise next to never. */
const alike = 0.25;
/**
 * The share of the way that the likeness of the background to speech goes up or down with each frame of it. Until a second of noise
 * was heard it is taken for the talk of others.
 */
const likenessUp = 1 / 40;
const likenessDown = 1 / 75;

/**
 * Judges whether somebody speaks to the agent. The sound must be like speech, by RNNoise, and louder than the background:
 *
 * - Where the background is noise, RNNoise takes it away, and what is left of the sound is compared. Speech is heard that is no
 *   louder than the noise.
 * - Where the background is like speech itself, the talk of others or music, only what is louder than all of it counts.
 */
export class VoiceActivity implements Disposable {
  readonly #rnnoise: Rnnoise;
  readonly #minLevel: number;
  readonly #gate: EnergyGate;
  readonly #gateWithoutNoise: EnergyGate;
  /** The similarity of the background to speech, 0 to 1. */
  #likeness = 1;
  #goesOn = 0;

  private constructor(rnnoise: Rnnoise, options: EnergyGateOptions) {
    this.#rnnoise = rnnoise;
    this.#minLevel = options.minLevel ?? defaultMinLevel;
    this.#gate = new EnergyGate(options);
    this.#gateWithoutNoise = new EnergyGate(options);
  }

  static async create(options: EnergyGateOptions = {}): Promise<VoiceActivity> {
    return new VoiceActivity(await Rnnoise.create(), options);
  }

  /** @param frame 20 ms at 16 000 Hz. */
  isVoice(frame: Int16Array): boolean {
    const loud = level(frame);
    // Most frames of a call are quiet: they cost nothing.
    const judged = loud > this.#minLevel ? this.#rnnoise.judge(frame) : { probability: 0, level: loud };
    // Both see every frame: each follows the sound.
    const louder = this.#gate.isOpen(loud);
    const louderWithoutNoise = this.#gateWithoutNoise.isOpen(judged.level);
    if (!louderWithoutNoise) this.#noteBackground(judged.probability);
    const open = louderWithoutNoise && (louder || this.#likeness < 0.5);
    const enough = this.#goesOn > 0 ? probably : surely;
    const voice = open && judged.probability > enough;
    this.#goesOn = voice ? goesOnFrames : this.#goesOn - 1;
    return voice;
  }

  free(): void {
    this.#rnnoise.free();
  }

  [Symbol.dispose](): void {
    this.free();
  }

  #noteBackground(probability: number): void {
    if (probability > alike) this.#likeness += (1 - this.#likeness) * likenessUp;
    else this.#likeness -= this.#likeness * likenessDown;
  }
}
