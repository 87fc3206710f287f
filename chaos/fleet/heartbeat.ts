/** What an agent in a call says, again and again, as one datagram of JSON. */
export interface Heartbeat {
  readonly session: string;
  readonly call: string;
  /** The idempotency key of the start that it came of. */
  readonly key: string;
  readonly pid: number;
  /** By the clock of the machine, in milliseconds. */
  readonly at: number;
}

/** How often an agent says it. */
export const heartbeatIntervalMs = 200;
