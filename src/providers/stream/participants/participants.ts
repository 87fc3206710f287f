import type { ConnectionEvent, Participant } from "../../../agent/edge.ts";
import { TrackType } from "../wire/enums.ts";
import type { SfuEvent, SfuParticipant, TrackSubscription } from "../wire/messages.ts";

/** The times after which a missing participant is reported as gone. */
export interface DepartureGrace {
  /**
   * The grace after a departure, in milliseconds. A user who joins again within it, such as by reloading the
   * page, was never gone.
   */
  readonly graceMs: number;
  /**
   * The grace after the agent itself had to rejoin, in milliseconds, since the others may be rejoining too.
   */
  readonly graceAfterReconnectMs: number;
}
export const departureGrace: DepartureGrace = { graceMs: 1_000, graceAfterReconnectMs: 10_000 };

/** One session of a user, such as a browser tab or a phone. A user may have several. */
interface UserSession {
  readonly userId: string;
  readonly sessionId: string;
  trackLookupPrefix: string;
  /** Says whether its microphone was ever on. The subscription then continues while it is muted. */
  subscribed: boolean;
  microphoneOn: boolean;
}

type ParticipantChange = Extract<ConnectionEvent, { readonly participant: Participant }>;

/**
 * The participants of the call. An SFU counts sessions, while the agent sees users: a user is present while
 * any of their sessions is, and is heard through the newest session whose microphone is on. The agent's own
 * user is not a participant.
 */
export class Participants {
  /** The participants by user id. */
  readonly people = new Map<string, Participant>();
  readonly #sessions = new Map<string, UserSession>();
  readonly #departures = new Map<string, NodeJS.Timeout>();
  readonly #agentUserId: string;
  readonly #times: DepartureGrace;
  readonly #onEvent: (event: ParticipantChange) => void;

  constructor(
    agentUserId: string,
    onEvent: (event: ParticipantChange) => void,
    times: DepartureGrace = departureGrace,
  ) {
    this.#agentUserId = agentUserId;
    this.#onEvent = onEvent;
    this.#times = times;
  }

  /** Returns the whole list of subscriptions for the SFU. */
  get subscriptions(): readonly TrackSubscription[] {
    return [...this.#sessions.values()]
      .filter(({ subscribed }) => subscribed)
      .map(({ userId, sessionId }) => ({ userId, sessionId, trackType: TrackType.AUDIO }));
  }

  /**
   * Replaces the sessions by those of a join response. `afterReconnect` says that the agent rejoined: missing
   * users may be rejoining as well, and get more time.
   */
  reset(list: readonly SfuParticipant[], { afterReconnect = false } = {}): void {
    const { graceMs, graceAfterReconnectMs } = this.#times;
    const present = new Set(list.map(({ sessionId }) => sessionId));
    for (const { sessionId } of [...this.#sessions.values()]) {
      if (!present.has(sessionId)) this.remove(sessionId, afterReconnect ? graceAfterReconnectMs : graceMs);
    }
    const joinedAt = ({ joinedAt: at }: SfuParticipant) => (at?.seconds ?? 0) + (at?.nanos ?? 0) / 1e9;
    for (const one of list.toSorted((a, b) => joinedAt(a) - joinedAt(b))) this.put(one);
  }

  /** Adds or updates a session. Ids alone are enough, where nothing else is known. */
  put(one: Pick<SfuParticipant, "userId" | "sessionId"> & Partial<SfuParticipant>): void {
    const { userId, sessionId, publishedTracks, trackLookupPrefix = "", name = "" } = one;
    if (userId === this.#agentUserId || userId === "" || sessionId === "") return;
    const known = this.#sessions.get(sessionId);
    const session = known ?? {
      userId,
      sessionId,
      trackLookupPrefix,
      subscribed: false,
      microphoneOn: false,
    };
    if (trackLookupPrefix !== "") session.trackLookupPrefix = trackLookupPrefix;
    if (publishedTracks !== undefined) setMicrophone(session, publishedTracks.includes(TrackType.AUDIO));
    this.#sessions.set(sessionId, session);
    this.#addSession(userId, name);
  }

  /** Reports that the microphone of a session was turned on or off. */
  setMicrophone(sessionId: string, on: boolean): void {
    const session = this.#sessions.get(sessionId);
    if (session) setMicrophone(session, on);
  }

  /**
   * Removes a session. Its user is reported as gone after the grace, unless another of their sessions is
   * there by then.
   */
  remove(sessionId: string, graceMs: number = this.#times.graceMs): void {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return;
    this.#sessions.delete(sessionId);
    const { userId } = session;
    if (this.#sessionsOf(userId).length > 0 || this.#departures.has(userId)) return;
    const timer = setTimeout(() => this.#removeUser(userId), graceMs).unref();
    this.#departures.set(userId, timer);
  }

  /**
   * Returns the id of the participant whose sound this is; null where another session of the same user is
   * heard instead; undefined while no session is known to have such a track.
   */
  speakerOf(trackLookupPrefix: string): string | null | undefined {
    for (const session of this.#sessions.values()) {
      if (session.trackLookupPrefix !== trackLookupPrefix) continue;
      const heard = this.#sessionsOf(session.userId).findLast(({ microphoneOn }) => microphoneOn) ?? session;
      return heard === session ? session.userId : null;
    }
    return undefined;
  }

  /** Stops the timers: no event follows. */
  close(): void {
    for (const timer of this.#departures.values()) clearTimeout(timer);
    this.#departures.clear();
  }

  #sessionsOf(userId: string): readonly UserSession[] {
    return [...this.#sessions.values()].filter((one) => one.userId === userId);
  }

  #addSession(userId: string, name: string): void {
    clearTimeout(this.#departures.get(userId));
    this.#departures.delete(userId);
    const known = this.people.get(userId);
    const participant = { id: userId, name: name === "" ? (known?.name ?? userId) : name };
    this.people.set(userId, participant);
    if (known === undefined) this.#onEvent({ type: "participant_joined", participant });
  }

  #removeUser(userId: string): void {
    this.#departures.delete(userId);
    const participant = this.people.get(userId);
    if (participant === undefined) return;
    this.people.delete(userId);
    this.#onEvent({ type: "participant_left", participant });
  }
}

function setMicrophone(session: UserSession, on: boolean): void {
  session.microphoneOn = on;
  if (on) session.subscribed = true;
}

/** Applies an event about sessions and their microphones. Returns false for other events. */
export function applyParticipantEvent(participants: Participants, event: SfuEvent): boolean {
  switch (event.type) {
    case "participantJoined":
    case "participantUpdated":
      if (event.value.participant) participants.put(event.value.participant);
      return true;
    case "participantLeft":
      participants.remove(event.value.participant?.sessionId ?? "");
      return true;
    case "trackPublished": {
      const { userId, sessionId, type, participant } = event.value;
      // In large calls it may be the first event about a participant.
      participants.put({ userId, sessionId, ...participant });
      if (type === TrackType.AUDIO) participants.setMicrophone(sessionId, true);
      return true;
    }
    case "trackUnpublished": {
      const { sessionId, type, participant } = event.value;
      if (participant) participants.put(participant);
      if (type === TrackType.AUDIO) participants.setMicrophone(sessionId, false);
      return true;
    }
    default:
      return false;
  }
}
