/** The words of a realtime transcription, and when they come. All of it may be changed while it runs. */
export interface RealtimeScript {
  /** The words of each turn: a list that is gone through, over and over, or a function. */
  phrases: readonly string[] | ((position: { readonly turn: number; readonly connection: number }) => string);
  /** True where turns come from the sound. False: nothing is sent but what a test sends. */
  automatic: boolean;
  /** The time from the end of a turn to its words, in milliseconds; 0: at once. */
  wordsMs: number | ((item: string) => number);
  /** The failures of the next transcriptions. */
  failures: { readonly code: string; readonly message: string }[];
  /** Turns that began, over all connections. */
  turns: number;
}

/** A fault of one session. Times are in milliseconds from its start. */
export interface RealtimeFault {
  /** The handshake is answered with this status. */
  readonly status?: number;
  readonly code?: string;
  readonly retryAfterSeconds?: number;
  /** The handshake is never answered. */
  readonly hangs?: boolean;
  readonly cutAfterMs?: number;
  readonly expiresAfterMs?: number;
  /** A `session.update` is never answered. */
  readonly ignoresSession?: boolean;
  /** Turns are committed, and their words never come. */
  readonly neverTranscribes?: boolean;
}

export const defaultRealtimeScript = (): RealtimeScript => ({
  phrases: [
    "Hello there, how are you?",
    "What is the weather like in Amsterdam today?",
    "Thank you, goodbye.",
  ],
  automatic: true,
  wordsMs: 0,
  failures: [],
  turns: 0,
});
