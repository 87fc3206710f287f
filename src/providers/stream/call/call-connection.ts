import { randomUUID } from "node:crypto";
import type { AgentUser, Call, Participant } from "../../../agent/edge.ts";
import type { PcmFrame } from "../../../audio/pcm-frame.ts";
import { now } from "../../../shared/protocol.ts";
import type { Coordinator } from "../coordinator/coordinator.ts";
import { joinCall } from "../coordinator/join.ts";
import type { StreamSdk } from "../coordinator/sdk.ts";
import { StreamError } from "../error.ts";
import type { MediaFactory } from "../media/media.ts";
import { ParticipantAudio, type SoundListener } from "../participants/participant-audio.ts";
import { applyParticipantEvent, Participants } from "../participants/participants.ts";
import type { SessionFailure } from "../sfu/session-failure.ts";
import { type ErrorEvent, hasNoRoom, readFault } from "../sfu/sfu-fault.ts";
import type { SfuSession } from "../sfu/sfu-session.ts";
import { CallEndedReason } from "../wire/enums.ts";
import type { ReconnectDetails, SfuEvent } from "../wire/messages.ts";
import type {
  CallConnectionEvent,
  CallEndReason,
  ReconnectStrategy,
  SfuAddress,
} from "./call-connection-event.ts";
import { Migration, type SfuJoin } from "./migration.ts";
import { Publishing, type PublishOptions } from "./publishing.ts";
import { Reconnect } from "./reconnect.ts";
import { ReconnectLimits } from "./reconnect-limits.ts";

export interface CallConnectionOptions {
  readonly sdk: Pick<StreamSdk, "WebSocket">;
  readonly coordinator: Pick<Coordinator, "join">;
  readonly factory: MediaFactory;
  readonly apiKey: string;
  readonly call: Call;
  readonly agentUser: AgentUser;
  /** The number of attempts to join, the first one included. */
  readonly attempts: number;
  /** True where a connection that is lost is not made anew, until {@link CallConnection.takeUp} is called. Default false. */
  readonly besideAnother?: boolean;
  /** Called with each event, also with those of the join itself. */
  readonly onEvent: (event: CallConnectionEvent) => void;
}

/**
 * The transitions are `joining → joined ⇄ reconnecting → left`; `left` also follows `joining` and `joined`.
 */
type CallConnectionState = "joining" | "joined" | "reconnecting" | "left";

/**
 * The agent's connection to a call. It joins, and restores the connection whenever it fails, until the agent
 * leaves or the call is over.
 *
 *     signal lost, media healthy ─▶ fast ──not accepted──▶ rejoin ◀── media failed, negotiation failed, session lost
 *     go-away ──▶ migrate ──not done in time──▶ rejoin ──too often──▶ lost
 */
export class CallConnection {
  readonly #options: CallConnectionOptions;
  readonly #over = new AbortController();
  readonly #limits = new ReconnectLimits();
  readonly #participants: Participants;
  readonly #audio: ParticipantAudio;
  readonly #migration: Migration;
  readonly #reconnect: Reconnect;
  #state: CallConnectionState = "joining";
  readonly #publishing: Publishing;
  /**
   * Handles the first failure that occurred during a reconnect, once that is over; null where there was none.
   */
  #next: (() => void) | null = null;
  #leaving: Promise<void> | null = null;
  /** True while another agent of the same user goes on with the call: to come back could put that one out. */
  #besideAnother: boolean;

  private constructor(options: CallConnectionOptions) {
    const { call, agentUser, onEvent } = options;
    this.#options = options;
    this.#besideAnother = options.besideAnother ?? false;
    this.#participants = new Participants(agentUser.id, onEvent);
    this.#audio = new ParticipantAudio(this.#participants);
    this.#migration = new Migration({
      ...options,
      userId: agentUser.id,
      cid: `${call.callType}:${call.callId}`,
      unifiedSessionId: randomUUID(),
      onEvent: (session, event) => this.#handleSfuEvent(session, event),
      onFailure: (session, failure) => this.#handleFailure(session, failure),
      onWarning: (message, error) => this.#emit({ type: "warning", message, error }),
      onConnected: (peer) => {
        this.#limits.connected(peer);
        if (peer === "publisher") this.#emit({ type: "media_connected" });
      },
      onSound: (prefix, frame) => this.#audio.push(prefix, frame),
    });
    this.#publishing = new Publishing(this.#migration, (by) => this.#emit({ type: "muted", by }));
    this.#reconnect = new Reconnect({
      migration: this.#migration,
      limits: this.#limits,
      signal: this.#over.signal,
      joinCall: (sessionId, details, avoid) => this.#joinCall(sessionId, details, avoid),
      switchTo: (join, keep) => this.#switchTo(join, keep),
      start: (join, options) => this.#start(join, options),
      onWarning: (message, error) => this.#emit({ type: "warning", message, error }),
    });
  }

  /**
   * Joins the call. It rejects with a {@link StreamError}, or with the reason of the signal, which has an
   * effect only until the join is over.
   */
  static async join(options: CallConnectionOptions, signal: AbortSignal): Promise<CallConnection> {
    signal.throwIfAborted();
    const connection = new CallConnection(options);
    const aborted = () => void connection.leave("join aborted");
    signal.addEventListener("abort", aborted, { once: true });
    try {
      await connection.#join();
      return connection;
    } catch (error) {
      await connection.leave("join failed");
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener("abort", aborted);
    }
  }

  get participants(): ReadonlyMap<string, Participant> {
    return this.#participants.people;
  }

  /** Returns whether the agent is permitted to be heard. */
  get maySpeak(): boolean {
    return this.#publishing.permitted;
  }

  /** Returns the address of the agent's session on its SFU; null before the join. */
  get address(): SfuAddress | null {
    return this.#migration.address;
  }

  /**
   * Sends a frame of 20 ms of the agent's sound. It never throws. The frame is dropped while the agent may
   * not be heard.
   */
  send(frame: PcmFrame): void {
    if (this.maySpeak) this.#migration.send(frame);
  }

  /** Calls `listener` with the sound of each participant. It returns a function that unsubscribes. */
  listen(listener: SoundListener): () => void {
    return this.#audio.listen(listener);
  }

  /** Goes on with the call from here on, in place of another agent of the same user. */
  takeUp(): void {
    this.#besideAnother = false;
  }

  /** Lets the agent be heard again after a moderator muted it. Nothing else undoes that. */
  unmute(): void {
    this.#publishing.unmute();
  }

  /**
   * Leaves the call: the others see at once that the participant is gone. It resolves within one second, or
   * three without a connection. It never rejects.
   */
  async leave(reason = "left"): Promise<void> {
    this.#end("left", null, reason);
    await this.#leaving;
  }

  async #join(): Promise<void> {
    const sessionId = randomUUID();
    const join = await this.#joinCall(sessionId);
    this.#over.signal.throwIfAborted();
    this.#switchTo(join);
    this.#state = "joined";
    this.#start(join);
  }

  #joinCall(sessionId: string, details?: ReconnectDetails, avoid?: string): Promise<SfuJoin> {
    const { coordinator, call, agentUser, attempts } = this.#options;
    const { signal } = this.#over;
    return joinCall({
      coordinator,
      call,
      userId: agentUser.id,
      attempts,
      avoid,
      signal,
      joinSfu: (admission) => this.#migration.joinSfu(admission, sessionId, signal, details),
    });
  }

  /** Makes this session the current one: from here on its events count. */
  #switchTo(join: SfuJoin, keep = false): void {
    this.#migration.switchTo(join.session, { keep });
    this.#publishing.setCapabilities(join.capabilities);
    const { address } = this.#migration;
    if (address !== null) this.#emit({ type: "sfu_changed", address });
  }

  /**
   * Applies the SFU's response to a join, publishes and subscribes, and delivers the events that came after
   * the response.
   */
  #start({ session, response }: Pick<SfuJoin, "session" | "response">, options: PublishOptions = {}): void {
    this.#next = null;
    const { callState, reconnected } = response;
    // A response without the state of the call does not tell who is in it.
    if (callState) this.#participants.reset(callState.participants, { afterReconnect: !reconnected });
    this.#publishing.publish(session, options);
    session.deliverEvents();
    session.subscribe(this.#participants.subscriptions);
  }

  #handleSfuEvent(session: SfuSession, event: SfuEvent): void {
    if (this.#state === "left") return;
    // It comes from the former SFU, and may arrive before the response of the new one.
    if (event.type === "participantMigrationComplete") this.#reconnect.migrationComplete();
    if (session !== this.#migration.current) return;
    if (applyParticipantEvent(this.#participants, event)) {
      session.subscribe(this.#participants.subscriptions);
      if (event.type === "trackUnpublished")
        this.#publishing.trackUnpublished(event.value, session.sessionId);
      return;
    }
    switch (event.type) {
      case "error":
        this.#handleError(event.value);
        return;
      case "callEnded": {
        const kicked = event.value.reason === CallEndedReason.KICKED;
        this.#end(kicked ? "kicked" : "call_ended", null, "call ended");
        return;
      }
      case "goAway":
        void this.#restore("migrate", "go_away");
        return;
      case "callGrantsUpdated":
        this.#publishing.setGrants(event.value.currentGrants?.canPublishAudio === true);
        return;
      default:
      // The other events are about video, or are of no use to an agent.
    }
  }

  #handleError(event: ErrorEvent): void {
    const { error, reaction, edgeUnusable } = readFault(event);
    if (reaction === "leave") this.#end("lost", error, "disconnected by the SFU");
    else if (reaction === null) this.#emit({ type: "warning", message: "The SFU reports an error", error });
    else void this.#restore(reaction, error.code?.toLowerCase() ?? "error", edgeUnusable);
  }

  #handleFailure(session: SfuSession, failure: SessionFailure): void {
    if (session === this.#migration.former) {
      // The former session is given up anyway.
      if (failure.kind === "signal_lost") this.#reconnect.migrationComplete();
      return;
    }
    if (session !== this.#migration.current) return;
    if (this.#state === "reconnecting") this.#next ??= () => this.#handleFailure(session, failure);
    if (this.#state !== "joined") return;
    if (!this.#limits.allows(failure)) {
      const message = `${failure.kind}: too often in a row`;
      this.#end("lost", new StreamError(message, { retryable: false, cause: failure }), failure.kind);
      return;
    }
    const fast = failure.kind === "signal_lost" && session.mediaHealthy;
    const edgeUnusable = failure.kind === "session_lost" && hasNoRoom(failure.error);
    void this.#restore(fast ? "fast" : "rejoin", failure.kind, edgeUnusable);
  }

  /** Restores the connection by a reconnect or migration, or ends it as `lost`. It never rejects. */
  async #restore(wanted: ReconnectStrategy, reason: string, edgeUnusable = false): Promise<void> {
    const noticedAt = now();
    if (this.#state === "reconnecting") this.#next ??= () => void this.#restore(wanted, reason, edgeUnusable);
    if (this.#state !== "joined") return;
    if (this.#besideAnother) {
      this.#end("lost", new StreamError(`${reason}, beside another agent`, { retryable: false }), reason);
      return;
    }
    this.#state = "reconnecting";
    this.#next = null;
    this.#emit({ type: "reconnecting", strategy: wanted, reason });
    try {
      const strategy = await this.#reconnect.run({ strategy: wanted, reason, noticedAt, edgeUnusable });
      this.#over.signal.throwIfAborted();
      this.#state = "joined";
      this.#emit({ type: "reconnected", strategy, tookMs: now() - noticedAt });
    } catch (error) {
      this.#end("lost", error, "could not reconnect");
      return;
    }
    const failedMeanwhile = this.#next as (() => void) | null;
    this.#next = null;
    failedMeanwhile?.();
  }

  #end(reason: CallEndReason, error: unknown, message: string): void {
    if (this.#state === "left") return;
    const joined = this.#state !== "joining";
    this.#state = "left";
    const over = new StreamError("The agent has left the call", { code: "ECONNABORTED", retryable: false });
    this.#over.abort(over);
    this.#participants.close();
    this.#leaving = this.#migration.leave(message, joined && (reason === "left" || reason === "lost"));
    this.#emit({ type: "ended", reason, error });
  }

  #emit(event: CallConnectionEvent): void {
    this.#options.onEvent(event);
  }
}
