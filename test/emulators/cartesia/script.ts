/** What the emulator says and hears. All of it may be changed while it runs. */
export interface CartesiaScript {
  readonly msPerCharacter: number;
  /** The length of a piece of sound, in milliseconds. */
  pieceMs: number;
  /** The time to the first piece, in wall-clock milliseconds. */
  firstPieceMs: number;
  /** The number of times faster than it is played that sound comes. `Infinity`: all at once. */
  speed: number;
  /** The times of words come before their sound, after it, or not at all. */
  timestamps: "before" | "after" | "none";
  /** Cuts the sound within samples. */
  oddPieces: boolean;
  /** The words of each turn: a list that is gone through, over and over, or a function. */
  phrases: readonly string[] | ((position: { readonly turn: number; readonly connection: number }) => string);
  /** True where turns come from the sound. False: nothing is sent but what a test sends. */
  automatic: boolean;
  /** The silence after which a turn has probably ended, and after which it ends, in milliseconds of sound. */
  eagerEndMs: number;
  endMs: number;
  /** Turns that began, over all connections. */
  turns: number;
}

export const defaultScript = (): CartesiaScript => ({
  msPerCharacter: 60,
  pieceMs: 120,
  firstPieceMs: 0,
  speed: Number.POSITIVE_INFINITY,
  timestamps: "before",
  oddPieces: false,
  phrases: [
    "Hello there, how are you?",
    "What is the weather like in Amsterdam today?",
    "Thank you, goodbye.",
  ],
  automatic: true,
  eagerEndMs: 160,
  endMs: 400,
  turns: 0,
});
