import { randomUUID } from "node:crypto";
import type { PcmFrame } from "../../../agent/audio.ts";
import type { AgentUser, Call, Participant } from "../../../agent/edge.ts";
import { now } from "../../../shared/protocol.ts";
import type { Coordinator } from "../coordinator/coordinator.ts";
import { enter } from "../coordinator/join.ts";
import type { Sdk } from "../coordinator/sdk.ts";
import { StreamError } from "../error.ts";
import type { MediaFactory } from "../media/media.ts";
import { Participants } from "../participants/participants.ts";
import { SpeakingRight } from "../participants/permission-to-speak.ts";
import { takeRosterEvent } from "../participants/roster-events.ts";
import { type SoundListener, Voices } from "../participants/voices.ts";
import type { Trouble } from "../sfu/session-failure.ts";
import { type ErrorEvent, hasNoRoom, readFault } from "../sfu/sfu-fault.ts";
import type { Stay } from "../sfu/sfu-session.ts";
import { CallEndedReason } from "../wire/enums.ts";
import type { ReconnectDetails, SfuEvent } from "../wire/messages.ts";
import type { EndReason, Place, SeatEvent, Strategy } from "./call-connection-event.ts";
import { type Arrival, Lodging } from "./migration.ts";
import { Comeback, type Publishing } from "./reconnect.ts";
import { ReturnLimits } from "./reconnect-limits.ts";

export interface SeatOptions {
  readonly sdk: Pick<Sdk, "WebSocket">;
  readonly coordinator: Pick<Coordinator, "join">;
  readonly factory: MediaFactory;
  readonly apiKey: string;
  readonly call: Call;
  readonly agentUser: AgentUser;
  /** The number of tries of a join in all. */
  readonly attempts: number;
  /** Takes each event, also those of the join itself. */
  readonly onEvent: (event: SeatEvent) => void;
}

/** `joining → seated ⇄ returning → left`; left also follows joining and seated. */
type SeatState = "joining" | "seated" | "returning" | "left";

/**
 * The agent's membership in a call: it joins, and comes back from whatever happens to its connection, until it leaves or
 * the call is over.
 *
 *     signal lost, media healthy ─▶ fast ──not taken up──▶ rejoin ◀── media failed, negotiation failed, session lost
 *     go-away ──▶ migrate ──not done in time──▶ rejoin ──too often──▶ lost
 */
export class Seat {
  readonly #options: SeatOptions;
  readonly #over = new AbortController();
  readonly #limits = new ReturnLimits();
  readonly #participants: Participants;
  readonly #voices: Voices;
  readonly #lodging: Lodging;
  readonly #comeback: Comeback;
  #state: SeatState = "joining";
  readonly #right = new SpeakingRight((why) => this.#tell({ type: "muted", why }));
  /** The work about something that happened during a return. */
  #next: (() => void) | null = null;
  #leaving: Promise<void> | null = null;

  private constructor(options: SeatOptions) {
    const { call, agentUser, onEvent } = options;
    this.#options = options;
    this.#participants = new Participants(agentUser.id, onEvent);
    this.#voices = new Voices(this.#participants);
    this.#lodging = new Lodging({
      ...options,
      userId: agentUser.id,
      cid: `${call.callType}:${call.callId}`,
      unifiedSessionId: randomUUID(),
      onEvent: (stay, event) => this.#take(stay, event),
      onTrouble: (stay, trouble) => this.#trouble(stay, trouble),
      onWarning: (what, error) => this.#tell({ type: "warning", what, error }),
      onConnected: (peer) => {
        this.#limits.connected(peer);
        if (peer === "publisher") this.#tell({ type: "heard" });
      },
      onSound: (prefix, frame) => this.#voices.hear(prefix, frame),
    });
    this.#comeback = new Comeback({
      lodging: this.#lodging,
      limits: this.#limits,
      signal: this.#over.signal,
      enter: (sessionId, details, avoid) => this.#enter(sessionId, details, avoid),
      moveTo: (arrival, keep) => this.#moveTo(arrival, keep),
      proceed: (arrival, publishing) => this.#proceed(arrival, publishing),
      onWarning: (what, error) => this.#tell({ type: "warning", what, error }),
    });
  }

  /** Rejects with a {@link StreamError}, or with the reason of the signal, which counts until it has joined. */
  static async join(options: SeatOptions, signal: AbortSignal): Promise<Seat> {
    signal.throwIfAborted();
    const seat = new Seat(options);
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

  get place(): Place | null {
    return this.#lodging.place;
  }

  /** 20 ms of what the agent says. Never throws. */
  send(frame: PcmFrame): void {
    if (this.#right.silence === null) this.#lodging.send(frame);
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
    const arrival = await this.#enter(sessionId);
    this.#over.signal.throwIfAborted();
    this.#moveTo(arrival);
    this.#state = "seated";
    this.#proceed(arrival);
  }

  #enter(sessionId: string, details?: ReconnectDetails, avoid?: string): Promise<Arrival> {
    const { coordinator, call, agentUser, attempts } = this.#options;
    const { signal } = this.#over;
    return enter({
      coordinator,
      call,
      userId: agentUser.id,
      attempts,
      avoid,
      signal,
      arrive: (admission) => this.#lodging.arrive(admission, sessionId, signal, details),
    });
  }

  /** Moves to another stay: from here on what that one says counts. */
  #moveTo(arrival: Arrival, keep = false): void {
    this.#lodging.adopt(arrival.stay, { keep });
    this.#right.takeCapabilities(arrival.capabilities);
    const { place } = this.#lodging;
    if (place !== null) this.#tell({ type: "seated", place });
  }

  /** Takes up what an SFU said to a join, and what it said after it. */
  #proceed({ stay, response }: Pick<Arrival, "stay" | "response">, publishing: Publishing = {}): void {
    this.#next = null;
    const { callState, reconnected } = response;
    // An answer without the state of the call says nothing of who is in it.
    if (callState) this.#participants.reset(callState.participants, { returning: !reconnected });
    this.#speak(stay, publishing);
    stay.proceed();
    stay.subscribe(this.#participants.subscriptions);
  }

  #take(stay: Stay, event: SfuEvent): void {
    if (this.#state === "left") return;
    // It comes from the old edge, whose socket may be quicker than the answer of the new one.
    if (event.type === "participantMigrationComplete") this.#comeback.moved();
    if (stay !== this.#lodging.current) return;
    if (takeRosterEvent(this.#participants, event)) {
      stay.subscribe(this.#participants.subscriptions);
      if (event.type === "trackUnpublished")
        this.#changeRight(() => this.#right.takeUnpublished(event.value, stay.sessionId));
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
  #speak(stay: Stay, publishing: Publishing = {}): void {
    const silent = this.#right.silence !== null;
    void stay.mute(silent);
    if (!silent || stay.media.publisher.tracks.length > 0) void stay.publish(publishing);
  }

  /** The agent may be heard from here on, or not any more. */
  #changeRight(change: () => void): void {
    const before = this.#right.silence === null;
    change();
    const stay = this.#lodging.current;
    if (before === (this.#right.silence === null) || stay === null) return;
    void stay.mute(before);
    if (!before && stay.media.publisher.tracks.length === 0) void stay.publish();
  }

  #takeError(event: ErrorEvent): void {
    const { error, wish, badEdge } = readFault(event);
    if (wish === "leave") this.#end("lost", error, "disconnected by the SFU");
    else if (wish === null) this.#tell({ type: "warning", what: "The SFU reports an error", error });
    else void this.#comeBack(wish, error.code?.toLowerCase() ?? "error", badEdge);
  }

  #trouble(stay: Stay, trouble: Trouble): void {
    if (stay === this.#lodging.former) {
      // It was to be left anyway.
      if (trouble.kind === "signal_lost") this.#comeback.moved();
      return;
    }
    if (stay !== this.#lodging.current) return;
    if (this.#state === "returning") this.#next ??= () => this.#trouble(stay, trouble);
    if (this.#state !== "seated") return;
    if (!this.#limits.allows(trouble)) {
      const message = `${trouble.kind}: too often in a row`;
      this.#end("lost", new StreamError(message, { retryable: false, cause: trouble }), trouble.kind);
      return;
    }
    const fast = trouble.kind === "signal_lost" && stay.mediaHealthy;
    const badEdge = trouble.kind === "session_lost" && hasNoRoom(trouble.error);
    void this.#comeBack(fast ? "fast" : "rejoin", trouble.kind, badEdge);
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
      const strategy = await this.#comeback.run({ wish, why, noticedAt, badEdge });
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

  #end(reason: EndReason, error: unknown, said: string): void {
    if (this.#state === "left") return;
    const seated = this.#state !== "joining";
    this.#state = "left";
    const over = new StreamError("The agent has left the call", { code: "ECONNABORTED", retryable: false });
    this.#over.abort(over);
    this.#participants.close();
    this.#leaving = this.#lodging.leave(said, seated && (reason === "left" || reason === "lost"));
    this.#tell({ type: "ended", reason, error });
  }

  #tell(event: SeatEvent): void {
    this.#options.onEvent(event);
  }
}
