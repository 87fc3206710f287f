import type { PcmFrame } from "../../audio/pcm-frame.ts";
import type { SpokenProgress } from "./spoken-progress.ts";

/** The way that the words of a turn take to the participants. */
export interface Output {
  /** The words that have reached the other side so far. */
  readonly heard: string;
  /** The sound that has reached the other side so far, in milliseconds; 0 where there is none. */
  readonly heardMs: number;
  readonly progress: SpokenProgress;
  /**
   * Adds text to be spoken or read, or the words of sound.
   * @param endsSentence True where it is known that a sentence ends with it: it is spoken without what follows.
   */
  write(text: string, endsSentence?: boolean): void;
  /** Adds sound as it is to be heard. Outputs that speak text have no use for it, and ignore it. */
  play(frame: PcmFrame): void;
  /** Says what was written so far without waiting for the rest of its sentence, since nothing more comes for now. */
  flush(): void;
  /** Holds what is not heard yet, at once; `resume` goes on where it stopped. */
  pause(): void;
  /** Goes on with this share of its loudness, until `resume`. */
  duck(gain: number): void;
  /** Goes on where it stopped, as loud as ever. */
  resume(): void;
  /**
   * The sentence that is being heard is heard to its end, and nothing after it. Resolves when it was, or all was cut: with
   * whether anything was left out, or may have been.
   * @param leftMs The sound that may be left of it by then, in milliseconds. Default 0.
   */
  stopAfterSentence(leftMs?: number): Promise<boolean>;
  /**
   * Counts the sentence after which it was stopped as heard, which goes on to its end by itself. Returns false where there is none, or much of it
   * is left: then nothing has changed. Not offered: leave it out.
   */
  letGo?(): boolean;
  /**
   * Resolves when what is to be heard was: with false where it was stopped after a sentence, and something was left out. Rejects
   * where it cannot be made to.
   */
  finish(): Promise<boolean>;
  /** Drops what is not heard yet. */
  cut(): void;
}

/** The events that an output reports to its turn. */
export interface OutputEvents {
  /** The rest of the text cannot be made heard any more. All sound that was made before is heard. */
  failed(error: unknown): void;
  /** A piece that is being heard. */
  heard(piece: string): void;
  /** Called at the moments that a {@link TurnClock} marks; only outputs that sound tell these. */
  firstSentence(): void;
  firstByte(): void;
  firstFrame(at: number): void;
}
