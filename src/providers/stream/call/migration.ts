import type { PcmFrame } from "../../../audio/pcm-frame.ts";
import { within } from "../../../shared/deadline.ts";
import type { SfuAdmission } from "../coordinator/credentials.ts";
import { leaveFor } from "../leave-on-behalf.ts";
import type { Peer } from "../media/media.ts";
import type { SessionFailure } from "../sfu/session-failure.ts";
import { SfuSession, type SfuSessionOptions } from "../sfu/sfu-session.ts";
import type { JoinResponse, ReconnectDetails, SfuEvent } from "../wire/messages.ts";
import type { SocketCloseReason } from "../wire/sfu-socket.ts";
import type { SfuAddress } from "./call-connection-event.ts";

/** A session that has joined an SFU, and the SFU's response. */
export interface SfuJoin {
  readonly session: SfuSession;
  readonly response: JoinResponse;
  /** The agent's rights in the call, such as `send-audio`. */
  readonly capabilities: readonly string[];
}

export interface MigrationOptions
  extends Pick<
    SfuSessionOptions,
    "sdk" | "factory" | "apiKey" | "userId" | "cid" | "unifiedSessionId" | "onWarning"
  > {
  readonly onEvent: (session: SfuSession, event: SfuEvent) => void;
  readonly onFailure: (session: SfuSession, failure: SessionFailure) => void;
  /** Called when a peer connection of the current session is connected. */
  readonly onConnected: (peer: Peer) => void;
  readonly onSound: (trackLookupPrefix: string, frame: PcmFrame) => void;
}

/** The longest time to leave over a socket opened for that alone, in milliseconds. */
const leaveTimeoutMs = 2_000;

/**
 * The agent's sessions in a call: one on its SFU, and during a migration a second one on the SFU that it
 * leaves. The agent's sound and the participants' sound pass to the new session separately, each when its
 * peer connection is connected, or both when the former session is closed.
 */
export class Migration {
  readonly #options: MigrationOptions;
  #current: SfuSession | null = null;
  #former: SfuSession | null = null;
  /** A session that has begun to join, and is not yet the current one. */
  #joining: SfuSession | null = null;
  /** The session over which the agent's sound is sent. */
  #sending: SfuSession | null = null;
  /** The session from which the participants' sound is taken. */
  #receiving: SfuSession | null = null;
  /** The number of sockets opened so far. */
  #sockets = 0;

  constructor(options: MigrationOptions) {
    this.#options = options;
  }

  /** Returns the session whose events count; null before the join. */
  get current(): SfuSession | null {
    return this.#current;
  }

  /** The session that is being replaced; null where none is. */
  get former(): SfuSession | null {
    return this.#former;
  }

  /** Returns the number of sockets that were opened before, and counts one more. */
  countSocket(): number {
    return this.#sockets++;
  }

  /** Returns the address of the current session; null before the join. */
  get address(): SfuAddress | null {
    return this.#current?.address ?? null;
  }

  /**
   * Joins an SFU with a new session, which the caller passes to {@link switchTo} next. It rejects with a
   * {@link StreamError}, and then leaves nothing open.
   */
  async joinSfu(
    { credentials, capabilities }: SfuAdmission,
    sessionId: string,
    signal: AbortSignal,
    details?: ReconnectDetails,
  ): Promise<SfuJoin> {
    signal.throwIfAborted();
    const session: SfuSession = new SfuSession({
      ...this.#options,
      credentials,
      sessionId,
      onEvent: (event) => this.#options.onEvent(session, event),
      onFailure: (failure) => this.#options.onFailure(session, failure),
      onConnected: (peer) => {
        if (session !== this.#current) return;
        if (peer === "subscriber") this.#receiving = session;
        else this.#sending = session;
        this.#options.onConnected(peer);
      },
      onSound: (prefix, frame) => {
        if (session === this.#receiving) this.#options.onSound(prefix, frame);
      },
    });
    this.#joining = session;
    try {
      const response = await session.join(this.countSocket(), details);
      signal.throwIfAborted();
      return { session, response, capabilities };
    } catch (error) {
      void session.close("joinFailed");
      if (this.#joining === session) this.#joining = null;
      throw error;
    }
  }

  /**
   * Makes a session the current one. With `keep`, the former one keeps sending and receiving until
   * {@link dropFormer}.
   */
  switchTo(session: SfuSession, { keep = false } = {}): void {
    const former = this.#current;
    this.#joining = null;
    this.#current = session;
    this.#former = keep ? former : null;
    if (!keep) {
      this.#sending = session;
      this.#receiving = session;
    }
  }

  /** Closes the former session, if there is one. */
  dropFormer(reason: SocketCloseReason): void {
    void this.#former?.close(reason);
    this.#former = null;
    this.#sending = this.#current;
    this.#receiving = this.#current;
  }

  /** Sends a frame of sound. It never throws, and drops the frame where there is no session. */
  send(frame: PcmFrame): void {
    this.#sending?.media.publisher.send(frame);
  }

  /**
   * Leaves with every session. `leaveOnBehalf` says whether the SFU still shows the agent when its connection
   * is lost: then a socket is opened to leave. It resolves within one second, or three where there is no
   * connection. It never rejects.
   */
  async leave(reason: string, leaveOnBehalf = false): Promise<void> {
    // This is read first, since no session is healthy after it has been left.
    const ghost = leaveOnBehalf && this.#current?.signalHealthy === false;
    const { address } = this;
    const sessions = [this.#joining, this.#former, this.#current];
    await Promise.all(sessions.map((session) => session?.leave(reason)));
    if (ghost && address !== null) await this.#leaveFor(address, reason);
  }

  async #leaveFor(address: SfuAddress, reason: string): Promise<void> {
    const { sdk, onWarning } = this.#options;
    const over = new AbortController();
    try {
      await within(leaveFor(sdk, address, reason, over.signal), leaveTimeoutMs, "To leave");
    } catch (error) {
      onWarning("To leave", error);
    } finally {
      over.abort();
    }
  }
}
