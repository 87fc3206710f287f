import type { PeerState } from "../../../media/peer.ts";

/** Times in milliseconds. */
export interface PeerTimes {
  /**
   * A connection that was lost may come back by itself for so long; then its ICE is restarted. Stream's own clients wait 2.5 s:
   * what browsers call lost often is not. Here nobody answered for 3 s before it is called so.
   */
  readonly restartAfterMs: number;
  /** The time after which it fails where it has not come back, in milliseconds. */
  readonly lostAfterMs: number;
  /** The longest wait for the first connection, from the first description on, in milliseconds. */
  readonly connectTimeoutMs: number;
}
export const peerTimes: PeerTimes = { restartAfterMs: 500, lostAfterMs: 12_000, connectTimeoutMs: 20_000 };

export interface PeerWatchOptions {
  readonly onRestart: () => void;
  /** Called once, when it failed. `everConnected`: false where ICE never connected. */
  readonly onFailed: (everConnected: boolean) => void;
  readonly onConnected: () => void;
  readonly times?: PeerTimes;
}

/** Watches one peer connection: restarts its ICE, and tells when it has to be replaced. */
export class PeerWatch {
  readonly #options: PeerWatchOptions;
  readonly #times: PeerTimes;
  #everConnected = false;
  #state: PeerState = "new";
  #restart: NodeJS.Timeout | undefined;
  #limit: NodeJS.Timeout | undefined;
  #over = false;

  constructor(options: PeerWatchOptions) {
    this.#options = options;
    this.#times = options.times ?? peerTimes;
  }

  get state(): PeerState {
    return this.#state;
  }

  /** Descriptions were exchanged: from here on it has to connect. */
  begin(): void {
    if (this.#over || this.#everConnected || this.#limit !== undefined) return;
    this.#limit = setTimeout(() => this.#fail(), this.#times.connectTimeoutMs).unref();
  }

  take(state: PeerState): void {
    if (this.#over || state === this.#state) return;
    this.#state = state;
    if (state === "connected") {
      this.#everConnected = true;
      this.#clear();
      this.#options.onConnected();
    } else if (state === "failed") {
      this.#fail();
    } else if (state === "disconnected") {
      this.#countDown();
    }
  }

  close(): void {
    this.#over = true;
    this.#clear();
  }

  #countDown(): void {
    this.#clear();
    this.#restart = setTimeout(() => this.#options.onRestart(), this.#times.restartAfterMs).unref();
    this.#limit = setTimeout(() => this.#fail(), this.#times.lostAfterMs).unref();
  }

  #fail(): void {
    if (this.#over) return;
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
