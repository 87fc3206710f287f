import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeWav } from "../../src/audio/wav.ts";
import { asLoudAsCallers } from "./sounds.ts";

/** A sentence that a person has read aloud. */
export interface Recording {
  readonly text: string;
  /** The path of the sound: WAV of 16,000 Hz. */
  readonly path: string;
}

/** Where Debian's package pocketsphinx-testdata has its sounds. */
const folder = process.env.BENCH_EARS_RECORDINGS ?? "/usr/share/pocketsphinx/test/data";
/** Sentences of a novel, of LibriVox, and names of cards into a poor microphone. */
const sets = ["librivox/transcription", "cards/cards.transcription"];

/** Returns the recordings of a package of Debian, which tells what is said in each; null where it is not installed. */
export function recordings(): readonly Recording[] | null {
  if (!existsSync(folder)) return null;
  return sets.flatMap((set) => {
    const lines = readFileSync(join(folder, set), "utf8").matchAll(/^<s> (.*?)\s*<\/s> \((\S+)\)$/gm);
    return [...lines].map(([, text = "", name = ""]) => ({
      text,
      path: join(folder, set, `../${name}.wav`),
    }));
  });
}

/** Returns the sound of a recording, as loud as that of other callers. */
export const soundOfRecording = (path: string): Int16Array =>
  asLoudAsCallers(decodeWav(readFileSync(path), path).samples);
