/** The fault of one handshake or connection. Times are in milliseconds. */
export interface ConnectionFault {
  /** The handshake is answered with this status. */
  readonly status?: number;
  readonly code?: string;
  /** The body of the refusal is text, as in older versions. */
  readonly plainText?: boolean;
  readonly retryAfterSeconds?: number;
  readonly hangs?: boolean;
  readonly cutAfterMs?: number;
  /** A connection of the recogniser never says that it is connected. */
  readonly mute?: boolean;
}

/** The fault of one context. */
export interface ContextFault {
  /** It fails with an event of this status, before any sound or behind so many pieces. */
  readonly status?: number;
  readonly code?: string;
  readonly afterPieces?: number;
  /** The connection is cut behind `afterPieces`. */
  readonly cuts?: boolean;
  /** Nothing is sent any more behind `afterPieces`. */
  readonly stalls?: boolean;
  /** It is done without a sound. */
  readonly empty?: boolean;
  /** A piece comes without its sound. */
  readonly withoutData?: boolean;
}

/** The faults to come. They may be changed at any time. */
export class CartesiaFaults {
  readonly connections: ConnectionFault[] = [];
  readonly contexts: ContextFault[] = [];
  /** The fault of every connection beyond those. */
  always: ConnectionFault = {};
}
