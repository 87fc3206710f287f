/** A server that listens. */
export interface ServerHandle {
  /** Reaches it from this machine, such as `http://127.0.0.1:8000`. */
  readonly url: string;
  readonly port: number;
  /** The port of the metrics, where they have one of their own; else null. */
  readonly metricsPort: number | null;
  /**
   * Resolves once sessions can start, however many tries that takes. Rejects with DRAINING where it is closed before, and
   * with REGISTRY_UNAVAILABLE where the registry's first answer was waited for (`contactTimeoutMs`) and did not come.
   */
  readonly ready: Promise<void>;
  /** Shuts it down; resolves when all is over. Further calls get the first one's result. */
  close(options?: CloseOptions): Promise<Shutdown>;
}

/** The options of a shutdown. */
export interface CloseOptions {
  /**
   * The time that starts are still accepted while probes say no, in milliseconds.
   * @default 0
   */
  readonly announceMs?: number;
  /**
   * The time that running calls may then go on, in milliseconds.
   * @default `drainTimeoutMs` of the options
   */
  readonly timeoutMs?: number;
  /** Aborted, it ends both waits: running calls are asked to close at once. */
  readonly signal?: AbortSignal;
}

/** The numbers of calls that ran when starts were first refused, by how they ended. */
export interface Shutdown {
  /** Calls that ended by themselves. */
  readonly finished: number;
  /** Calls that were asked to close, or did not even do that. */
  readonly closed: number;
  /** Calls that go on in other replicas. */
  readonly handedOver: number;
}
