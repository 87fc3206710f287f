import type { PcmFrame } from "../../audio/pcm-frame.ts";

/** The options of a tone. */
export interface ToneOptions {
  /**
   * The sample rate, in hertz.
   * @default 16000
   */
  readonly sampleRate?: number;
  /**
   * The amplitude, 0–1.
   * @default 0.25
   */
  readonly amplitude?: number;
  /**
   * The time within the tone at which the sound begins, in milliseconds, so that pieces of one tone fit together.
   * @default 0
   */
  readonly fromMs?: number;
}

/** Returns a sine of this frequency, in hertz, and duration, in milliseconds. */
export function tone(frequency: number, ms: number, options: ToneOptions = {}): PcmFrame {
  const { sampleRate = 16_000, amplitude = 0.25, fromMs = 0 } = options;
  const from = Math.round((fromMs * sampleRate) / 1_000);
  const samples = new Int16Array(Math.round(((fromMs + ms) * sampleRate) / 1_000) - from);
  const step = (2 * Math.PI * frequency) / sampleRate;
  for (let index = 0; index < samples.length; index += 1) {
    samples[index] = Math.round(amplitude * 32_767 * Math.sin(step * (from + index)));
  }
  return { samples, sampleRate };
}

/** Returns the share of the sound's energy at this frequency, 0–1, by the Goertzel algorithm. */
export function shareOf(frequency: number, { samples, sampleRate }: PcmFrame): number {
  let energy = 0;
  let last = 0;
  let before = 0;
  const factor = 2 * Math.cos((2 * Math.PI * frequency) / sampleRate);
  for (const sample of samples) {
    energy += sample * sample;
    const next = sample + factor * last - before;
    before = last;
    last = next;
  }
  if (energy === 0) return 0;
  const power = last * last + before * before - factor * last * before;
  return Math.min(1, (2 * power) / (samples.length * energy));
}
