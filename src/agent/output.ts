/** Where the words of a turn go. */
export interface Output {
  /** What has reached the other side so far. */
  readonly heard: string;
  write(text: string): void;
  /** Nothing more comes for now: what was written so far is said without waiting for the rest of its sentence. */
  flush(): void;
  /** Holds what is not heard yet, at once; `resume` goes on where it stopped. */
  pause(): void;
  resume(): void;
  /** Resolves when all that was written is heard. Rejects where it cannot be made to. */
  finish(): Promise<void>;
  /** Drops what is not heard yet. */
  cut(): void;
}

/** What an output tells its turn. */
export interface OutputEvents {
  /** What was written cannot be made heard any more, though all that was made before is. */
  failed(error: unknown): void;
  /** A piece that is being heard. */
  heard(piece: string): void;
  /** For {@link TurnClock}; only outputs that sound tell these. */
  firstSentence(): void;
  firstByte(): void;
  firstFrame(at: number): void;
}
