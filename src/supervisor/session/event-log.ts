import type { LoggedEvent, SessionEvent } from "../../api/session.ts";
import { type PlainError, withoutStacks } from "../../shared/errors.ts";
import { now } from "../../shared/protocol.ts";

/** The events of a session that another process told. */
export interface EventsBefore {
  /** The id of the last one that is known. */
  readonly lastId: number;
  /** The newest ones. */
  readonly events?: readonly LoggedEvent[];
  /** The number of ids behind it that may have been used as well. */
  readonly unknown?: number;
}

/** A place in the events in which some are missing: behind `after`, and before `next`. */
export interface EventGap {
  readonly after: number;
  readonly next: number;
}

export type EventListener = (entry: LoggedEvent) => void;

/** The bounds of the events that are kept for those who come late: about 1 MiB a session at the most. */
const kept = { events: 1_024, characters: 512 * 1_024 };
/** The bounds of the events that an ended session keeps, since thousands of them may be kept. */
const keptAfterEnd = { events: 1_024, characters: 32 * 1_024 };
/** The bounds of the events that are left once others have ended since. */
const keptAsSummary = { events: 3, characters: 600 };
/** The weight of an event without words, in characters. */
const smallestEvent = 200;

/**
 * The events of one session: a bounded ring that can be replayed, and listeners for what comes. Of the interim words of
 * a turn it keeps the newest alone, and none once other words stand in their place: they would push out the rest.
 */
export class EventLog {
  #entries: LoggedEvent[] = [];
  #characters = 0;
  #lastId = 0;
  /** The id of the newest event that is kept no more, other than interim words. */
  #lostId = 0;
  #ended = false;
  #isCut = false;
  /** The listeners, each with what is called where the session goes on in another process, or may do so. */
  readonly #listeners = new Map<EventListener, () => void>();

  /** The ids of events that another process may have told, and nobody knows, behind `after` and up to `to`; null where there are none. */
  #unknown: { readonly after: number; readonly to: number } | null = null;

  /** @param before The events that another process told of the session; left out where it begins here. */
  constructor(before?: EventsBefore) {
    if (before !== undefined) this.#follow(before);
  }

  /**
   * Puts the events that another process has told of the session in the place of those that were known of it. The events with an id above
   * `own` were told here: they come behind the others, and happen now, since nobody could read them before.
   */
  follow(before: EventsBefore, own: number): void {
    const told = this.#entries.filter(({ id }) => id > own);
    this.#entries = [];
    this.#characters = 0;
    this.#follow(before);
    for (const { event } of told) this.append({ ...event, at: now() });
  }

  #follow({ lastId, events = [], unknown = 0 }: EventsBefore): void {
    this.#entries = [...events];
    for (const { event } of events) this.#characters += eventWeight(event);
    this.#lostId = (events[0]?.id ?? lastId + 1) - 1;
    this.#unknown = unknown > 0 ? { after: lastId, to: lastId + unknown } : null;
    this.#lastId = lastId + unknown;
  }

  /** Returns the newest events, of this many characters together, for another process. */
  newest(characters: number): readonly LoggedEvent[] {
    let left = characters;
    const from = this.#entries.findLastIndex(({ event }) => {
      left -= eventWeight(event);
      return left < 0;
    });
    return this.#entries.slice(from + 1).map(({ id, event }) => ({ id, event: withoutStack(event) }));
  }

  /** Returns the id of the last event; 0 before the first one. */
  get lastId(): number {
    return this.#lastId;
  }

  /** Returns the id before the oldest event that is kept. */
  get idBefore(): number {
    return this.#lostId;
  }

  /** Returns whether the `end` event was appended, so that nothing will follow. */
  get ended(): boolean {
    return this.#ended;
  }

  append(event: SessionEvent): void {
    if (this.#ended || this.#isCut) return;
    this.#lastId += 1;
    const entry = { id: this.#lastId, event };
    this.#supersede(event);
    this.#entries.push(entry);
    this.#characters += eventWeight(event);
    this.#ended = event.type === "end";
    this.#trim(this.#ended ? keptAfterEnd : kept);
    for (const listener of this.#listeners.keys()) listener(entry);
    if (this.#ended) this.#listeners.clear();
  }

  /** Takes no more events, and tells all listeners so, since the session goes on in another process, or may do so. */
  cut(): void {
    this.#isCut = true;
    for (const cut of this.#listeners.values()) cut();
    this.#listeners.clear();
  }

  /** Takes events again, since the session does not go on in another process. */
  mend(): void {
    this.#isCut = false;
  }

  /** Keeps the newest three events alone: the last metrics, the last state, and the end. */
  shrink(): void {
    this.#trim(keptAsSummary);
    // A new array is made, since an array keeps the memory that it once had.
    this.#entries = this.#entries.map(({ id, event }) => ({ id, event: withoutStack(event) }));
  }

  /**
   * Calls `listener` with each event after `afterId` that is still kept, at once, and then with each new one. `gaps`
   * are where events after `afterId` are kept no more, or were told by another process and are not known. Where `afterId` is not of this
   * log, there is one before all. `cut` is called where the
   * session goes on in another process, at once where that is so already.
   */
  subscribe(
    afterId: number,
    listener: EventListener,
    cut: () => void = () => undefined,
  ): { readonly gap: boolean; readonly gaps: readonly EventGap[]; unsubscribe(): void } {
    const known = afterId >= this.#lostId && afterId <= this.#lastId;
    const sent = this.#entries.filter(({ id }) => !known || id > afterId);
    const gaps = this.#gaps(afterId, known);
    for (const entry of sent) listener(entry);
    if (this.#isCut) cut();
    else if (!this.#ended) this.#listeners.set(listener, cut);
    return { gap: gaps.length > 0, gaps, unsubscribe: () => this.#listeners.delete(listener) };
  }

  #gaps(afterId: number, known: boolean): EventGap[] {
    const nextAfter = (id: number) => this.#entries.find((entry) => entry.id > id)?.id ?? this.#lastId + 1;
    const gaps: EventGap[] = known
      ? []
      : [{ after: afterId, next: this.#entries[0]?.id ?? this.#lastId + 1 }];
    const unknown = this.#unknown;
    if (unknown === null || (known && afterId >= unknown.to)) return gaps;
    const after = known ? Math.max(afterId, unknown.after) : unknown.after;
    const [first] = gaps;
    // Nothing is known of what was before it: then there is one gap.
    if (first !== undefined && first.next > unknown.to) return gaps;
    return [...gaps, { after, next: nextAfter(unknown.to) }];
  }

  #supersede(event: SessionEvent): void {
    if (event.type !== "transcript" || event.role !== "user") return;
    const before = this.#entries.findLastIndex(
      ({ event: old }) => old.type === "transcript" && old.turnId === event.turnId,
    );
    const interim = this.#entries[before];
    if (interim?.event.type !== "transcript" || interim.event.interim === undefined) return;
    this.#characters -= eventWeight(interim.event);
    this.#entries.splice(before, 1);
  }

  #trim(bounds: typeof kept): void {
    let dropped = 0;
    while (this.#entries.length - dropped > bounds.events || this.#characters > bounds.characters) {
      const oldest = this.#entries[dropped];
      if (!oldest || oldest.id === this.#lastId) break;
      this.#characters -= eventWeight(oldest.event);
      this.#lostId = oldest.id;
      dropped += 1;
    }
    if (dropped > 0) this.#entries.splice(0, dropped);
  }
}

/** Returns an event without the stack of its error, which no reader is sent. */
function withoutStack(event: SessionEvent): SessionEvent {
  const carriesError = event.type === "end" || event.type === "turn" || event.type === "participant_unheard";
  return carriesError && event.error ? { ...event, error: withoutStacks(event.error) } : event;
}

/** Returns the weight of an event in characters. Names count too: a thread decides how long they are. */
export function eventWeight(event: SessionEvent): number {
  switch (event.type) {
    case "transcript": {
      const { turnId, participantId, messageId, text, delta, interim } = event;
      return smallestEvent + lengthOf(turnId, participantId, messageId, text, delta, interim);
    }
    case "turn":
      return smallestEvent + lengthOf(event.turnId) + errorLength(event.error);
    case "tool":
      return smallestEvent + lengthOf(event.turnId, event.name, event.error);
    case "participant_unheard":
      return smallestEvent + lengthOf(event.participantId) + errorLength(event.error);
    case "participant_heard":
      return smallestEvent + lengthOf(event.participantId);
    default:
      return smallestEvent;
  }
}

function lengthOf(...texts: readonly (string | undefined)[]): number {
  let length = 0;
  for (const text of texts) length += text?.length ?? 0;
  return length;
}

function errorLength(error: PlainError | undefined): number {
  if (error === undefined) return 0;
  const { name, message, stack, cause, errors = [] } = error;
  const inner = errors.reduce((sum, one) => sum + errorLength(one), errorLength(cause));
  return lengthOf(name, message, stack) + inner;
}
