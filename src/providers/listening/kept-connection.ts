import { pause } from "../../shared/back-off.ts";
import { now } from "../../shared/protocol.ts";
import type { ListeningConnection, ListeningError, ListeningSettings, Recogniser } from "./recogniser.ts";
import { retryDelayMs, stableAfterMs } from "./retry.ts";

export interface KeptConnectionOptions {
  readonly recogniser: Recogniser;
  readonly settings: ListeningSettings;
  /** Returns the sample rate of the sound to come, in hertz. Called before each connection. */
  onConnect(): number;
  onOpen(): void;
  onMessage(message: unknown): void;
  /** Called at the end of each connection. */
  onLost(): void;
  /** The error of a connection that is replaced. */
  onError(error: ListeningError): void;
  /** The error after which there is no further connection. */
  onGivenUp(error: ListeningError): void;
}

/** Keeps a connection open until it is stopped: where one ends another is opened, with growing pauses. */
export class KeptConnection {
  readonly #options: KeptConnectionOptions;
  /** Ends the pauses between connections. */
  readonly #lifetime = new AbortController();
  #current: ListeningConnection | null = null;
  #openedAt: number | null = null;

  constructor(options: KeptConnectionOptions) {
    this.#options = options;
  }

  /** Returns the connection, be it open or not yet; null between two of them. */
  get current(): ListeningConnection | null {
    return this.#current;
  }

  /** Opens the first connection. */
  async run(): Promise<void> {
    const { settings, onError, onGivenUp } = this.#options;
    let failures = 0;
    while (!this.#lifetime.signal.aborted) {
      const { error, stable } = await this.#connect();
      if (error === null || this.#lifetime.signal.aborted) continue;
      failures = stable ? 1 : failures + 1;
      const waitMs = retryDelayMs(error, failures, settings);
      if (waitMs === null) {
        onGivenUp(error);
        return;
      }
      onError(error);
      await pause(waitMs, { signal: this.#lifetime.signal }).catch(() => {});
    }
  }

  /** Opens no further connection. The one that is open stays so. */
  stop(): void {
    this.#lifetime.abort();
  }

  /** Resolves at the end of a connection, with its error and whether it had been stable. */
  #connect(): Promise<{ readonly error: ListeningError | null; readonly stable: boolean }> {
    const { promise, resolve } = Promise.withResolvers<{ error: ListeningError | null; stable: boolean }>();
    const { recogniser, onConnect, onOpen, onMessage, onLost } = this.#options;
    this.#current = recogniser.connect(onConnect(), {
      onOpen: () => {
        this.#openedAt = now();
        onOpen();
      },
      onMessage,
      onEnd: (error) => {
        const stable = this.#openedAt !== null && now() - this.#openedAt >= stableAfterMs;
        this.#current = null;
        this.#openedAt = null;
        onLost();
        resolve({ error, stable });
      },
    });
    return promise;
  }
}
