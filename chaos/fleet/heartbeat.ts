/** The message that an agent in a call sends, again and again, as one datagram of JSON. */
export interface Heartbeat {
  readonly session: string;
  readonly call: string;
  /** The idempotency key of the start that it came of. */
  readonly key: string;
  readonly pid: number;
  /** The time by the clock of the machine, in milliseconds. */
  readonly at: number;
}

/** The time between two messages of an agent, in milliseconds. */
export const heartbeatIntervalMs = 200;
