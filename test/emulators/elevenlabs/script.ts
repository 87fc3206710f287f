import { defaultMsPerCharacter } from "./tone.ts";

/** How the emulator speaks. All of it may be changed while it runs. */
export interface ElevenlabsScript {
  /** How long each character sounds, in milliseconds. */
  msPerCharacter: number;
  /** How much sound comes at a time, in milliseconds of sound. */
  pieceMs: number;
  /** Cuts the answer in the middle of samples, and of characters, as the service does. */
  oddPieces: boolean;
  /** Whether a stream with timestamps tells them. */
  alignment: boolean;
  /** What the times of a piece are counted from. The service counts from the start of the speech. */
  timesFrom: "speech" | "piece";
  /** Told of the characters too, though it is not in the text: a space before the first. */
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
