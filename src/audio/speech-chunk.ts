import type { PcmFrame } from "./pcm-frame.ts";

/** A piece of spoken text, of any length. */
export interface SpeechChunk extends PcmFrame {
  /** The characters of the text that this piece speaks, where the provider tells them. */
  readonly alignment?: Alignment;
}

/** The times at which the characters of a text sound. */
export interface Alignment {
  /** The characters, in order; together those of all chunks are the text that was spoken. */
  readonly characters: readonly string[];
  /** The beginning of each character, in milliseconds from the start of the whole speech. */
  readonly startMs: readonly number[];
}
