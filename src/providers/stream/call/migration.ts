import type { PcmFrame } from "../../../audio/pcm-frame.ts";
import { within } from "../../../shared/deadline.ts";
import type { SfuAdmission } from "../coordinator/credentials.ts";
import { leaveFor } from "../leave-on-behalf.ts";
import type { Peer } from "../media/media.ts";
import type { SessionFailure } from "../sfu/session-failure.ts";
import { SfuSession, type SfuSessionOptions } from "../sfu/sfu-session.ts";
import type { JoinResponse, ReconnectDetails, SfuEvent } from "../wire/messages.ts";
import type { CloseReason } from "../wire/sfu-socket.ts";
import type { SfuAddress } from "./call-connection-event.ts";

/** A stay that has begun, and what the SFU said to it. */
export interface Arrival {
  readonly session: SfuSession;
  readonly response: JoinResponse;
  readonly capabilities: readonly string[];
}

export interface MigrationOptions
  extends Pick<
    SfuSessionOptions,
    "sdk" | "factory" | "apiKey" | "userId" | "cid" | "unifiedSessionId" | "onWarning"
  > {
  readonly onEvent: (session: SfuSession, event: SfuEvent) => void;
  readonly onFailure: (session: SfuSession, failure: SessionFailure) => void;
  /** Called when the agent's sound gets out, or the participants' sound gets in. */
  readonly onConnected: (peer: Peer) => void;
  readonly onSound: (trackLookupPrefix: string, frame: PcmFrame) => void;
}

/** The longest wait for a goodbye over a socket of its own, in milliseconds. */
const goodbyeTimeoutMs = 2_000;

/**
 * The place of the agent: on one SFU, and while it moves, on two. Its own sound and that of the participants go over to the
 * new one when that is connected, each by itself, or when the old one is given up.
 */
export class Migration {
  readonly #options: MigrationOptions;
  #current: SfuSession | null = null;
  #former: SfuSession | null = null;
  /** Begun and not yet adopted. */
  #arriving: SfuSession | null = null;
  #speaking: SfuSession | null = null;
  #hearing: SfuSession | null = null;
  #sockets = 0;

  constructor(options: MigrationOptions) {
    this.#options = options;
  }

  get current(): SfuSession | null {
    return this.#current;
  }

  /** The one that is being moved away from. */
  get former(): SfuSession | null {
    return this.#former;
  }

  /** The number of sockets that were opened before. */
  get nextAttempt(): number {
    return this.#sockets++;
  }

  get place(): SfuAddress | null {
    return this.#current?.place ?? null;
  }

  /** Takes a place on an SFU. The stay is to be adopted next. Rejects with a StreamError, and leaves nothing behind then. */
  async arrive(
    { credentials, capabilities }: SfuAdmission,
    sessionId: string,
    signal: AbortSignal,
    details?: ReconnectDetails,
  ): Promise<Arrival> {
    signal.throwIfAborted();
    const session: SfuSession = new SfuSession({
      ...this.#options,
      credentials,
      sessionId,
      onEvent: (event) => this.#options.onEvent(session, event),
      onFailure: (failure) => this.#options.onFailure(session, failure),
      onConnected: (peer) => {
        if (session !== this.#current) return;
        if (peer === "subscriber") this.#hearing = session;
        else this.#speaking = session;
        this.#options.onConnected(peer);
      },
      onSound: (prefix, frame) => {
        if (session === this.#hearing) this.#options.onSound(prefix, frame);
      },
    });
    this.#arriving = session;
    try {
      const response = await session.join(this.nextAttempt, details);
      signal.throwIfAborted();
      return { session, response, capabilities };
    } catch (error) {
      void session.close("joinFailed");
      if (this.#arriving === session) this.#arriving = null;
      throw error;
    }
  }

  /** Moves over to a stay. With `keep`, the old one goes on until {@link giveUp}. */
  adopt(session: SfuSession, { keep = false } = {}): void {
    const old = this.#current;
    this.#arriving = null;
    this.#current = session;
    this.#former = keep ? old : null;
    if (!keep) {
      this.#speaking = session;
      this.#hearing = session;
    }
  }

  /** Closes the one that was moved away from. */
  giveUp(why: CloseReason): void {
    void this.#former?.close(why);
    this.#former = null;
    this.#speaking = this.#current;
    this.#hearing = this.#current;
  }

  /** Sends a frame of sound. It never throws, and has no effect while there is no place. */
  send(frame: PcmFrame): void {
    this.#speaking?.media.publisher.send(frame);
  }

  /**
   * Leaves every place. `lingering`: the SFU waits for the return of whoever says no goodbye. Without a connection to say it over,
   * it is then said over another one. Resolves within a second, or three where there is no connection. Never rejects.
   */
  async leave(reason: string, lingering = false): Promise<void> {
    // Once it is left, nothing is healthy.
    const ghost = lingering && this.#current?.signalHealthy === false;
    const { place } = this;
    const sessions = [this.#arriving, this.#former, this.#current];
    await Promise.all(sessions.map((session) => session?.leave(reason)));
    if (ghost && place !== null) await this.#leaveFor(place, reason);
  }

  async #leaveFor(place: SfuAddress, reason: string): Promise<void> {
    const { sdk, onWarning } = this.#options;
    const over = new AbortController();
    try {
      await within(leaveFor(sdk, place, reason, over.signal), goodbyeTimeoutMs, "To leave");
    } catch (error) {
      onWarning("To leave", error);
    } finally {
      over.abort();
    }
  }
}
