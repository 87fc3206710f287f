import { randomUUID } from "node:crypto";
import type { AgentUser, Call, Participant } from "../../../agent/edge.ts";
import type { PcmFrame } from "../../../audio/pcm-frame.ts";
import { now } from "../../../shared/protocol.ts";
import type { Coordinator } from "../coordinator/coordinator.ts";
import { joinCall } from "../coordinator/join.ts";
import type { Sdk } from "../coordinator/sdk.ts";
import { StreamError } from "../error.ts";
import type { MediaFactory } from "../media/media.ts";
import { Participants } from "../participants/participants.ts";
import { PermissionToSpeak } from "../participants/permission-to-speak.ts";
import { takeRosterEvent } from "../participants/roster-events.ts";
import { type SoundListener, Voices } from "../participants/voices.ts";
import type { SessionFailure } from "../sfu/session-failure.ts";
import { type ErrorEvent, hasNoRoom, readFault } from "../sfu/sfu-fault.ts";
import type { SfuSession } from "../sfu/sfu-session.ts";
import { CallEndedReason } from "../wire/enums.ts";
import type { ReconnectDetails, SfuEvent } from "../wire/messages.ts";
import type { CallConnectionEvent, CallEndReason, SfuAddress, Strategy } from "./call-connection-event.ts";
import { type Arrival, Migration } from "./migration.ts";
import { type Publishing, Reconnect } from "./reconnect.ts";
import { ReconnectLimits } from "./reconnect-limits.ts";

export interface CallConnectionOptions {
  readonly sdk: Pick<Sdk, "WebSocket">;
  readonly coordinator: Pick<Coordinator, "join">;
  readonly factory: MediaFactory;
  readonly apiKey: string;
  readonly call: Call;
  readonly agentUser: AgentUser;
  /** The number of tries of a join in all. */
  readonly attempts: number;
  /** Takes each event, also those of the join itself. */
  readonly onEvent: (event: CallConnectionEvent) => void;
}

/** `joining → seated ⇄ returning → left`; left also follows joining and seated. */
type CallConnectionState = "joining" | "seated" | "returning" | "left";

/**
 * The agent's membership in a call: it joins, and comes back from whatever happens to its connection, until it leaves or
 * the call is over.
 *
 *     signal lost, media healthy ─▶ fast ──not taken up──▶ rejoin ◀── media failed, negotiation failed, session lost
 *     go-away ──▶ migrate ──not done in time──▶ rejoin ──too often──▶ lost
 */
export class CallConnection {
  readonly #options: CallConnectionOptions;
  readonly #over = new AbortController();
  readonly #limits = new ReconnectLimits();
  readonly #participants: Participants;
  readonly #voices: Voices;
  readonly #migration: Migration;
  readonly #reconnect: Reconnect;
  #state: CallConnectionState = "joining";
  readonly #right = new PermissionToSpeak((why) => this.#tell({ type: "muted", why }));
  /** The work about something that happened during a return. */
  #next: (() => void) | null = null;
  #leaving: Promise<void> | null = null;

  private constructor(options: CallConnectionOptions) {
    const { call, agentUser, onEvent } = options;
    this.#options = options;
    this.#participants = new Participants(agentUser.id, onEvent);
    this.#voices = new Voices(this.#participants);
    this.#migration = new Migration({
      ...options,
      userId: agentUser.id,
      cid: `${call.callType}:${call.callId}`,
      unifiedSessionId: randomUUID(),
      onEvent: (session, event) => this.#take(session, event),
      onFailure: (session, failure) => this.#failure(session, failure),
      onWarning: (what, error) => this.#tell({ type: "warning", what, error }),
      onConnected: (peer) => {
        this.#limits.connected(peer);
        if (peer === "publisher") this.#tell({ type: "heard" });
      },
      onSound: (prefix, frame) => this.#voices.hear(prefix, frame),
    });
    this.#reconnect = new Reconnect({
      migration: this.#migration,
      limits: this.#limits,
      signal: this.#over.signal,
      joinCall: (sessionId, details, avoid) => this.#joinCall(sessionId, details, avoid),
      moveTo: (arrival, keep) => this.#moveTo(arrival, keep),
      proceed: (arrival, publishing) => this.#proceed(arrival, publishing),
      onWarning: (what, error) => this.#tell({ type: "warning", what, error }),
    });
  }

  /** Rejects with a {@link StreamError}, or with the reason of the signal, which counts until it has joined. */
  static async join(options: CallConnectionOptions, signal: AbortSignal): Promise<CallConnection> {
    signal.throwIfAborted();
    const seat = new CallConnection(options);
    const aborted = () => void seat.leave("no longer wanted");
    signal.addEventListener("abort", aborted, { once: true });
    try {
      await seat.#join();
      return seat;
    } catch (error) {
      await seat.leave("join failed");
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener("abort", aborted);
    }
  }

  get participants(): ReadonlyMap<string, Participant> {
    return this.#participants.people;
  }

  /** Returns whether the agent may be heard, as far as its rights go. */
  get maySpeak(): boolean {
    return this.#right.silence === null;
  }

  get place(): SfuAddress | null {
    return this.#migration.place;
  }

  /** 20 ms of what the agent says. Never throws. */
  send(frame: PcmFrame): void {
    if (this.#right.silence === null) this.#migration.send(frame);
  }

  /** Calls `listener` with the sound of each participant by itself. Returns a function that ends this. */
  listen(listener: SoundListener): () => void {
    return this.#voices.listen(listener);
  }

  /** Speaks again after a moderator muted the agent, which nothing else does. */
  unmute(): void {
    this.#changeRight(() => this.#right.unmute());
  }

  /** Leaves the call: the participant is gone at once for the others. Resolves within a second, or three without a connection. */
  async leave(reason = "left"): Promise<void> {
    this.#end("left", null, reason);
    await this.#leaving;
  }

  async #join(): Promise<void> {
    const sessionId = randomUUID();
    const arrival = await this.#joinCall(sessionId);
    this.#over.signal.throwIfAborted();
    this.#moveTo(arrival);
    this.#state = "seated";
    this.#proceed(arrival);
  }

  #joinCall(sessionId: string, details?: ReconnectDetails, avoid?: string): Promise<Arrival> {
    const { coordinator, call, agentUser, attempts } = this.#options;
    const { signal } = this.#over;
    return joinCall({
      coordinator,
      call,
      userId: agentUser.id,
      attempts,
      avoid,
      signal,
      arrive: (admission) => this.#migration.arrive(admission, sessionId, signal, details),
    });
  }

  /** Moves to another stay: from here on what that one says counts. */
  #moveTo(arrival: Arrival, keep = false): void {
    this.#migration.adopt(arrival.session, { keep });
    this.#right.takeCapabilities(arrival.capabilities);
    const { place } = this.#migration;
    if (place !== null) this.#tell({ type: "seated", place });
  }

  /** Takes up what an SFU said to a join, and what it said after it. */
  #proceed({ session, response }: Pick<Arrival, "session" | "response">, publishing: Publishing = {}): void {
    this.#next = null;
    const { callState, reconnected } = response;
    // An answer without the state of the call says nothing of who is in it.
    if (callState) this.#participants.reset(callState.participants, { returning: !reconnected });
    this.#speak(session, publishing);
    session.proceed();
    session.subscribe(this.#participants.subscriptions);
  }

  #take(session: SfuSession, event: SfuEvent): void {
    if (this.#state === "left") return;
    // It comes from the old edge, whose socket may be quicker than the answer of the new one.
    if (event.type === "participantMigrationComplete") this.#reconnect.moved();
    if (session !== this.#migration.current) return;
    if (takeRosterEvent(this.#participants, event)) {
      session.subscribe(this.#participants.subscriptions);
      if (event.type === "trackUnpublished")
        this.#changeRight(() => this.#right.takeUnpublished(event.value, session.sessionId));
      return;
    }
    switch (event.type) {
      case "error":
        this.#takeError(event.value);
        return;
      case "callEnded": {
        const kicked = event.value.reason === CallEndedReason.KICKED;
        this.#end(kicked ? "kicked" : "call_ended", null, "call ended");
        return;
      }
      case "goAway":
        void this.#comeBack("migrate", "go_away");
        return;
      case "callGrantsUpdated":
        this.#changeRight(() => this.#right.takeGrants(event.value.currentGrants?.canPublishAudio === true));
        return;
      default:
      // About video, or of no use to an agent.
    }
  }

  /** Publishes where that is allowed; what is published already is only muted where it is not. */
  #speak(session: SfuSession, publishing: Publishing = {}): void {
    const silent = this.#right.silence !== null;
    void session.mute(silent);
    if (!silent || session.media.publisher.tracks.length > 0) void session.publish(publishing);
  }

  /** The agent may be heard from here on, or not any more. */
  #changeRight(change: () => void): void {
    const before = this.#right.silence === null;
    change();
    const session = this.#migration.current;
    if (before === (this.#right.silence === null) || session === null) return;
    void session.mute(before);
    if (!before && session.media.publisher.tracks.length === 0) void session.publish();
  }

  #takeError(event: ErrorEvent): void {
    const { error, wish, badEdge } = readFault(event);
    if (wish === "leave") this.#end("lost", error, "disconnected by the SFU");
    else if (wish === null) this.#tell({ type: "warning", what: "The SFU reports an error", error });
    else void this.#comeBack(wish, error.code?.toLowerCase() ?? "error", badEdge);
  }

  #failure(session: SfuSession, failure: SessionFailure): void {
    if (session === this.#migration.former) {
      // It was to be left anyway.
      if (failure.kind === "signal_lost") this.#reconnect.moved();
      return;
    }
    if (session !== this.#migration.current) return;
    if (this.#state === "returning") this.#next ??= () => this.#failure(session, failure);
    if (this.#state !== "seated") return;
    if (!this.#limits.allows(failure)) {
      const message = `${failure.kind}: too often in a row`;
      this.#end("lost", new StreamError(message, { retryable: false, cause: failure }), failure.kind);
      return;
    }
    const fast = failure.kind === "signal_lost" && session.mediaHealthy;
    const badEdge = failure.kind === "session_lost" && hasNoRoom(failure.error);
    void this.#comeBack(fast ? "fast" : "rejoin", failure.kind, badEdge);
  }

  /** Brings the agent back in one way or another, or ends the membership. Never rejects. */
  async #comeBack(wish: Strategy, why: string, badEdge = false): Promise<void> {
    const noticedAt = now();
    if (this.#state === "returning") this.#next ??= () => void this.#comeBack(wish, why, badEdge);
    if (this.#state !== "seated") return;
    this.#state = "returning";
    this.#next = null;
    this.#tell({ type: "reconnecting", strategy: wish, why });
    try {
      const strategy = await this.#reconnect.run({ wish, why, noticedAt, badEdge });
      this.#over.signal.throwIfAborted();
      this.#state = "seated";
      this.#tell({ type: "reconnected", strategy, tookMs: now() - noticedAt });
    } catch (error) {
      this.#end("lost", error, "could not come back");
      return;
    }
    this.#catchUp();
  }

  /** Looks again at what happened during a return. */
  #catchUp(): void {
    const next = this.#next;
    this.#next = null;
    next?.();
  }

  #end(reason: CallEndReason, error: unknown, said: string): void {
    if (this.#state === "left") return;
    const seated = this.#state !== "joining";
    this.#state = "left";
    const over = new StreamError("The agent has left the call", { code: "ECONNABORTED", retryable: false });
    this.#over.abort(over);
    this.#participants.close();
    this.#leaving = this.#migration.leave(said, seated && (reason === "left" || reason === "lost"));
    this.#tell({ type: "ended", reason, error });
  }

  #tell(event: CallConnectionEvent): void {
    this.#options.onEvent(event);
  }
}
