import { defaultMsPerCharacter } from "./tone.ts";

/** The behaviour of the emulator's voice. All of it may be changed while it runs. */
export interface ElevenlabsScript {
  /** The time that each character sounds, in milliseconds. */
  msPerCharacter: number;
  /** The length of the sound that comes at a time, in milliseconds of sound. */
  pieceMs: number;
  /** Cuts the answer in the middle of samples, and of characters, as the service does. */
  oddPieces: boolean;
  /** True where a stream with timestamps tells them. */
  alignment: boolean;
  /** The origin of the times of a piece. The service counts from the start of the speech. */
  timesFrom: "speech" | "piece";
  /** True where the alignment has a space before the first character, which is not in the text. */
  leadingSpace: boolean;
}

export const defaultScript = (): ElevenlabsScript => ({
  msPerCharacter: defaultMsPerCharacter,
  pieceMs: 200,
  oddPieces: true,
  alignment: true,
  timesFrom: "speech",
  leadingSpace: false,
});
