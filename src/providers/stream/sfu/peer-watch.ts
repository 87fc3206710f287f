import type { PeerState } from "../../../media/peer.ts";

/** The times of a peer connection. */
export interface PeerTimes {
  /**
   * The time that a lost connection may take to recover by itself before its ICE is restarted, in
   * milliseconds. Stream's own clients wait 2.5 s, since browsers report a loss early; here a loss is
   * reported after 3 s of silence.
   */
  readonly restartAfterMs: number;
  /** The time after which a lost connection has failed, in milliseconds. */
  readonly lostAfterMs: number;
  /** The longest time from the first description to the first connection, in milliseconds. */
  readonly connectTimeoutMs: number;
}
export const peerTimes: PeerTimes = { restartAfterMs: 500, lostAfterMs: 12_000, connectTimeoutMs: 20_000 };

export interface PeerWatchOptions {
  readonly onRestart: () => void;
  /** Called once, when the connection has failed. `everConnected` is false where ICE never connected. */
  readonly onFailed: (everConnected: boolean) => void;
  readonly onConnected: () => void;
  readonly times?: PeerTimes;
}

/**
 * Watches one peer connection: it asks for ICE restarts, and reports when the connection must be replaced.
 */
export class PeerWatch {
  readonly #options: PeerWatchOptions;
  readonly #times: PeerTimes;
  #everConnected = false;
  #state: PeerState = "new";
  #restart: NodeJS.Timeout | undefined;
  #limit: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: PeerWatchOptions) {
    this.#options = options;
    this.#times = options.times ?? peerTimes;
  }

  get state(): PeerState {
    return this.#state;
  }

  /** Starts the time to connect, since descriptions have been exchanged. */
  begin(): void {
    if (this.#closed || this.#everConnected || this.#limit !== undefined) return;
    this.#limit = setTimeout(() => this.#fail(), this.#times.connectTimeoutMs).unref();
  }

  /** Takes note of a state of the peer connection. */
  update(state: PeerState): void {
    if (this.#closed || state === this.#state) return;
    this.#state = state;
    if (state === "connected") {
      this.#everConnected = true;
      this.#clear();
      this.#options.onConnected();
    } else if (state === "failed") {
      this.#fail();
    } else if (state === "disconnected") {
      this.#startTimers();
    }
  }

  close(): void {
    this.#closed = true;
    this.#clear();
  }

  #startTimers(): void {
    this.#clear();
    this.#restart = setTimeout(() => this.#options.onRestart(), this.#times.restartAfterMs).unref();
    this.#limit = setTimeout(() => this.#fail(), this.#times.lostAfterMs).unref();
  }

  #fail(): void {
    if (this.#closed) return;
    this.close();
    this.#state = "failed";
    this.#options.onFailed(this.#everConnected);
  }

  #clear(): void {
    clearTimeout(this.#restart);
    clearTimeout(this.#limit);
    this.#limit = undefined;
  }
}
