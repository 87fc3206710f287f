import type { MessageReader } from "./turn-signal.ts";

/** A failure of a connection to a recogniser. */
export interface ListeningError extends Error {
  /** Says whether another connection can succeed. */
  readonly retryable: boolean;
  /** The wait that the service asks for before another attempt, in milliseconds; null: none. */
  readonly retryAfterMs?: number | null | undefined;
}

/** One connection to a recogniser. It never reconnects by itself. */
export interface ListeningConnection {
  /** True while sound can be sent. */
  readonly open: boolean;
  /** The number of bytes that wait in this process because the network or the service is too slow. */
  readonly bufferedAmount: number;
  /** Resolves when the connection is over. */
  readonly ended: Promise<void>;
  /** Sends sound. It has no effect unless the connection is open. */
  send(samples: Int16Array): void;
  /** Tells that a turn ends here. Only where turns are found on this side. */
  commit?(): void;
  /** Asks for the last results, after which the service closes the connection. */
  finish(): void;
  /** Ends the connection at once, because of an error or, with null, because it is not needed. */
  fail(error: ListeningError | null): void;
}

/** The listeners of one connection. */
export interface ConnectionListeners {
  onOpen(): void;
  onMessage(message: unknown): void;
  /** Called once, at the end. Null: it ended because this side asked for it. */
  onEnd(error: ListeningError | null): void;
}

/** A service that recognises sound while it is streamed to it. */
export interface Recogniser {
  /** The name of the service, for messages. */
  readonly title: string;
  /**
   * True where the service tells with its messages up to where it has heard. Elsewhere the sound of a whole turn is kept, and
   * sent again over a new connection.
   */
  readonly timed: boolean;
  /** Says who finds the turns: the service in the sound, or this side, which then marks them. */
  readonly turnsBy: "service" | "marks";
  /** Returns whether sound of this sample rate, in hertz, is accepted. */
  takes(sampleRate: number): boolean;
  /** The rate to which sound of other rates is resampled, in hertz; null: it is refused. */
  readonly resampledTo: number | null;
  connect(sampleRate: number, listeners: ConnectionListeners): ListeningConnection;
  /** Returns a reader for the messages of a new connection. */
  reader(): MessageReader;
  failure(message: string, code: string, retryable: boolean): ListeningError;
}

/** The limits of a stream. */
export interface ListeningSettings {
  /** The sample rate of the sound to come, in hertz. */
  readonly sampleRate: number;
  /** The number of connections in a row that may fail. */
  readonly connectAttempts: number;
  /** The pause before the second attempt, in milliseconds. */
  readonly retryDelayMs: number;
  /** The time after which a connection is replaced that answers nothing to sound, in milliseconds. */
  readonly stallTimeoutMs: number;
  /** The sound that is kept for a new connection, in milliseconds. */
  readonly maxUnheardMs: number;
  /** The longest wait for the last words, in milliseconds. */
  readonly closeTimeoutMs: number;
}
