import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { decodeWav } from "../../audio/wav.ts";
import { cutText } from "../../shared/text.ts";
import { runWasi } from "./wasi.ts";
import type { WasmModule } from "./web-assembly.ts";

/** Voices of Flite, American English: `slt` is a woman, `rms`, `awb` (Scottish) and the `kal` are men. */
export const fliteVoices = ["slt", "rms", "awb", "kal16", "kal"] as const;
export type FliteVoice = (typeof fliteVoices)[number];

export interface FliteOptions {
  readonly voice: FliteVoice;
  /** The pace of the voice: 1 is its own, 2 twice as fast. */
  readonly pace: number;
}

/** Flite begins with 0.2 s of silence, and ends with some: a caller would wait for the first, and the next sentence for the second. */
const keepBeforeMs = 20;
const keepAfterMs = 100;
/** Louder than what Flite calls silence, 0–32 768. */
const silentBelow = 150;
const output = "speech.wav";

/**
 * Speaks a text, in one go: about 15 ms of CPU for a second of sound, during which the thread does nothing else. A fresh
 * instance each time, since the program runs once: nothing of one text is left for the next.
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
