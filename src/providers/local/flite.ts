import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { decodeWav } from "../../audio/wav.ts";
import { cutText } from "../../shared/text/text.ts";
import { runWasi } from "./wasi.ts";
import type { WasmModule } from "./web-assembly.ts";

/**
 * The voices of Flite, in American English: `slt` is a woman; `rms`, `awb` (Scottish) and both `kal` are men.
 */
export const fliteVoices = ["slt", "rms", "awb", "kal16", "kal"] as const;
/** The name of a voice that comes along. */
export type FliteVoice = (typeof fliteVoices)[number];

export interface FliteOptions {
  readonly voice: FliteVoice;
  /** The pace of the voice: 1 is its own, 2 is twice as fast. */
  readonly pace: number;
}

/**
 * The silence that is kept before and after the speech, in milliseconds. Flite begins with 0.2 s of silence
 * and ends with some, which would delay the first sentence and those after it.
 */
const keepBeforeMs = 20;
const keepAfterMs = 100;
/** The level below which Flite's sound counts as silence, 0–32,768. */
const silentBelow = 150;
const output = "speech.wav";

/**
 * Returns the speech of a text. It blocks the thread for about 15 ms for each second of sound. Each text has
 * an instance of its own, since the program runs only once, and so no data of one text remain for the next.
 * It throws where Flite fails.
 */
export function synthesize(module: WasmModule, text: string, { voice, pace }: FliteOptions): PcmFrame {
  const stretch = String(1 / pace);
  const args = [
    "flite",
    "-voice",
    voice,
    "--setf",
    `duration_stretch=${stretch}`,
    "-t",
    ` ${text} `,
    "-o",
    output,
  ];
  const { code, printed, file } = runWasi(module, args, output);
  if (code !== 0) throw new Error(`Flite ended with ${code}: ${cutText(printed.trim(), 200)}`);
  return trimmed(decodeWav(file, "Flite's sound"));
}

function trimmed({ samples, sampleRate }: PcmFrame): PcmFrame {
  const loud = (sample: number) => Math.abs(sample) >= silentBelow;
  const first = samples.findIndex(loud);
  if (first < 0) return { samples, sampleRate };
  const begin = Math.max(0, first - (keepBeforeMs * sampleRate) / 1_000);
  const end = samples.findLastIndex(loud) + (keepAfterMs * sampleRate) / 1_000;
  return { samples: samples.slice(begin, end), sampleRate };
}
