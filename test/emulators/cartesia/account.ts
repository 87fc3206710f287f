/** The account of the requests, and how long things take. All of it may be changed while the emulator runs. */
export interface CartesiaAccount {
  /** The only key that is accepted; null: every key that does not begin with `wrong`. */
  apiKey: string | null;
  /** Voices that do not exist. All others do. */
  unknownVoices: Set<string>;
  /** The largest number of contexts that speak at once, over all connections; ten times as many connections may be open. */
  maxContexts: number;
  /** The largest number of connections to the recogniser. */
  maxStreams: number;
  /** The time after which an unused connection of a voice is closed, in milliseconds. */
  idleMs: number;
  /** The time without sound after which a connection of the recogniser is closed, in milliseconds. */
  streamIdleMs: number;
}

/** The limits of the plan Scale: docs.cartesia.ai/use-the-api/concurrency-limits-and-timeouts. */
export const defaultAccount = (): CartesiaAccount => ({
  apiKey: null,
  unknownVoices: new Set(),
  maxContexts: 15,
  maxStreams: 60,
  idleMs: 300_000,
  streamIdleMs: 20_000,
});
