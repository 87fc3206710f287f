/** The hearing side of a call with sound: it makes turns of what participants say. */
export interface Hearing {
  /** Returns whether somebody is speaking. */
  readonly listening: boolean;
  /** The participants whose sound has come. */
  readonly participants: Iterable<string>;
  participantLeft(participantId: string): void;
  /** Ends hearing, since the conversation is over: what is being said is no turn any more. */
  stop(): void;
  /** Stops, and frees what it holds. */
  close(): Promise<void>;
}
