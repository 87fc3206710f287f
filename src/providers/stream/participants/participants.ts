import type { ConnectionEvent, Participant } from "../../../agent/edge.ts";
import { TrackType } from "../wire/enums.ts";
import type { Participant as ParticipantMessage, TrackSubscription } from "../wire/messages.ts";

/** Times in milliseconds. */
export interface DepartureTimes {
  /**
   * The grace after a departure, in milliseconds: whoever comes again within it, such as by loading the page again, was
   * never gone.
   */
  readonly graceMs: number;
  /** The grace after the agent itself had to come again, in milliseconds: the others may be on their way back too. */
  readonly graceAfterReturnMs: number;
}
export const departureTimes: DepartureTimes = { graceMs: 1_000, graceAfterReturnMs: 10_000 };

/** One session of a user: a browser tab, a phone. A user may have several. */
interface Attendee {
  readonly userId: string;
  readonly sessionId: string;
  trackLookupPrefix: string;
  /** True where its microphone was ever on: what was subscribed to once stays so while it is muted. */
  subscribed: boolean;
  speaks: boolean;
}

type PresenceEvent = Extract<ConnectionEvent, { readonly participant: Participant }>;

/**
 * The participants of the call. The SFU counts sessions; to the agent a participant is a user, who is there while any
 * session of theirs is, and who is heard through the newest session whose microphone is on. The agent's own user is none.
 */
export class Participants {
  /** The participants by user id. */
  readonly people = new Map<string, Participant>();
  readonly #attendees = new Map<string, Attendee>();
  readonly #departures = new Map<string, NodeJS.Timeout>();
  readonly #agentUserId: string;
  readonly #times: DepartureTimes;
  readonly #onEvent: (event: PresenceEvent) => void;

  constructor(
    agentUserId: string,
    onEvent: (event: PresenceEvent) => void,
    times: DepartureTimes = departureTimes,
  ) {
    this.#agentUserId = agentUserId;
    this.#onEvent = onEvent;
    this.#times = times;
  }

  /** The subscriptions to everybody whose sound is wanted, as the SFU is told: the whole list each time. */
  get subscriptions(): readonly TrackSubscription[] {
    return [...this.#attendees.values()]
      .filter(({ subscribed }) => subscribed)
      .map(({ userId, sessionId }) => ({ userId, sessionId, trackType: TrackType.AUDIO }));
  }

  /** Takes the list of a join for what is true. `returning`: whoever is missing may be on the way back, as we were. */
  reset(list: readonly ParticipantMessage[], { returning = false } = {}): void {
    const { graceMs, graceAfterReturnMs } = this.#times;
    const present = new Set(list.map(({ sessionId }) => sessionId));
    for (const { sessionId } of [...this.#attendees.values()]) {
      if (!present.has(sessionId)) this.remove(sessionId, returning ? graceAfterReturnMs : graceMs);
    }
    const joinedAt = ({ joinedAt: at }: ParticipantMessage) => (at?.seconds ?? 0) + (at?.nanos ?? 0) / 1e9;
    for (const one of list.toSorted((a, b) => joinedAt(a) - joinedAt(b))) this.put(one);
  }

  /** Takes in a participant who came, or is told of again. Ids alone do, where nothing else is known. */
  put(one: Pick<ParticipantMessage, "userId" | "sessionId"> & Partial<ParticipantMessage>): void {
    const { userId, sessionId, publishedTracks, trackLookupPrefix = "", name = "" } = one;
    if (userId === this.#agentUserId || userId === "" || sessionId === "") return;
    const known = this.#attendees.get(sessionId);
    const attendee = known ?? {
      userId,
      sessionId,
      trackLookupPrefix,
      subscribed: false,
      speaks: false,
    };
    if (trackLookupPrefix !== "") attendee.trackLookupPrefix = trackLookupPrefix;
    if (publishedTracks !== undefined) setSpeaking(attendee, publishedTracks.includes(TrackType.AUDIO));
    this.#attendees.set(sessionId, attendee);
    this.#arrive(userId, name);
  }

  /** A microphone went on or off. */
  speaks(sessionId: string, speaks: boolean): void {
    const attendee = this.#attendees.get(sessionId);
    if (attendee) setSpeaking(attendee, speaks);
  }

  remove(sessionId: string, graceMs: number = this.#times.graceMs): void {
    const attendee = this.#attendees.get(sessionId);
    if (attendee === undefined) return;
    this.#attendees.delete(sessionId);
    const { userId } = attendee;
    if (this.#sessionsOf(userId).length > 0 || this.#departures.has(userId)) return;
    const timer = setTimeout(() => this.#depart(userId), graceMs).unref();
    this.#departures.set(userId, timer);
  }

  /**
   * Returns the id of the participant whose sound this is; null where it is not to be heard, since another session of the
   * same user is; undefined while nobody is known to have such a track.
   */
  speakerOf(trackLookupPrefix: string): string | null | undefined {
    for (const attendee of this.#attendees.values()) {
      if (attendee.trackLookupPrefix !== trackLookupPrefix) continue;
      const heard = this.#sessionsOf(attendee.userId).findLast(({ speaks }) => speaks) ?? attendee;
      return heard === attendee ? attendee.userId : null;
    }
    return undefined;
  }

  /** No event comes any more. */
  close(): void {
    for (const timer of this.#departures.values()) clearTimeout(timer);
    this.#departures.clear();
  }

  #sessionsOf(userId: string): readonly Attendee[] {
    return [...this.#attendees.values()].filter((one) => one.userId === userId);
  }

  #arrive(userId: string, name: string): void {
    clearTimeout(this.#departures.get(userId));
    this.#departures.delete(userId);
    const known = this.people.get(userId);
    const participant = { id: userId, name: name === "" ? (known?.name ?? userId) : name };
    this.people.set(userId, participant);
    if (known === undefined) this.#onEvent({ type: "participant_joined", participant });
  }

  #depart(userId: string): void {
    this.#departures.delete(userId);
    const participant = this.people.get(userId);
    if (participant === undefined) return;
    this.people.delete(userId);
    this.#onEvent({ type: "participant_left", participant });
  }
}

function setSpeaking(attendee: Attendee, speaks: boolean): void {
  attendee.speaks = speaks;
  if (speaks) attendee.subscribed = true;
}
