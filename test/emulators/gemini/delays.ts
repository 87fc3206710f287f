/** The delays, in milliseconds. */
export interface GeminiDelays {
  /** The time before the first answer on each connection: what name resolution, TCP and TLS cost. */
  readonly handshakeMs: number;
  /** The time from the request to the first chunk. */
  readonly firstTokenMs: number;
  /** The time for every word, before the chunk that has it. */
  readonly tokenMs: number;
}

export const geminiDelays = {
  none: { handshakeMs: 0, firstTokenMs: 0, tokenMs: 0 },
  /** gemini-2.5-flash-lite: 0.35 s to the first token, then about 200 tokens a second (openrouter.ai). */
  published: { handshakeMs: 0, firstTokenMs: 350, tokenMs: 5 },
  /** The times of that model on a bad day. */
  slow: { handshakeMs: 0, firstTokenMs: 900, tokenMs: 5 },
} as const satisfies Record<string, GeminiDelays>;
