import type { LoggedEvent } from "../../api/session.ts";
import { eventWeight } from "../session/event-log.ts";

/** The bounds of the events of one session that wait. */
const mostWaiting = { events: 1_000, characters: 256 * 1_024 };
/** The bounds of one message. A single event may be longer. */
const mostInMessage = { events: 200, characters: 64 * 1_024 };

/** A place behind the event `after` and before `next`, in which events are missing. */
export interface MissingEvents {
  readonly after: number;
  readonly next: number;
}

/** The content of one message: events, and the places in which some are missing, in order. */
export interface EventBatch {
  readonly items: readonly (LoggedEvent | MissingEvents)[];
  /** The number of events among the items. */
  readonly events: number;
  /** The id of the event that was taken before these. */
  readonly after: number;
}

interface Waiting {
  readonly entry: LoggedEvent;
  /** The event behind which some are missing before this one; null where none are. */
  readonly missingAfter: number | null;
}

/** The events of a session that wait to be sent. Where there are too many, the oldest are dropped, and the next batch says so. */
export class EventQueue {
  readonly #waiting: Waiting[] = [];
  #characters = 0;
  /** The id of the event that was taken last. */
  #takenId: number;
  #newestId: number;
  /** The event behind which some are missing before the first that waits; null where none are. */
  #missingAfter: number | null = null;
  /** The same for the next event that comes. */
  #nextMissingAfter: number | null = null;

  /** @param after The id of the event before the first one that may come. */
  constructor(after: number) {
    this.#takenId = this.#newestId = after;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Adds an event. Returns the number of events that were dropped for it. */
  push(entry: LoggedEvent): number {
    this.#waiting.push({ entry, missingAfter: this.#nextMissingAfter });
    this.#nextMissingAfter = null;
    this.#newestId = entry.id;
    this.#characters += eventWeight(entry.event);
    let dropped = 0;
    while (
      this.#waiting.length > 1 &&
      (this.#waiting.length > mostWaiting.events || this.#characters > mostWaiting.characters)
    ) {
      const [oldest] = this.#waiting.splice(0, 1);
      this.#characters -= eventWeight(oldest!.entry.event);
      this.#missingAfter ??= oldest!.missingAfter ?? this.#takenId;
      dropped += 1;
    }
    return dropped;
  }

  /** Notes that events behind `after`, and before the next one that is added, are not known. */
  skip(after: number): void {
    this.#nextMissingAfter ??= after;
  }

  /** Notes that a batch was not delivered. */
  missed({ items, after }: EventBatch): void {
    const [first] = items;
    this.#missingAfter = first !== undefined && "after" in first ? first.after : after;
  }

  /** Takes the oldest events, as many as one message holds. Returns null where there is nothing to tell. */
  take(): EventBatch | null {
    const after = this.#takenId;
    const taken = this.#waiting.splice(0, this.#countForMessage());
    const items: (LoggedEvent | MissingEvents)[] = [];
    let missing = this.#missingAfter;
    for (const { entry, missingAfter } of taken) {
      missing ??= missingAfter;
      if (missing !== null) items.push({ after: missing, next: entry.id });
      missing = null;
      items.push(entry);
      this.#characters -= eventWeight(entry.event);
      this.#takenId = entry.id;
    }
    missing ??= this.#waiting.length === 0 ? this.#nextMissingAfter : null;
    if (taken.length === 0 && missing !== null) {
      items.push({ after: missing, next: Math.max(missing, this.#newestId) + 1 });
      this.#nextMissingAfter = null;
    }
    this.#missingAfter = null;
    return items.length === 0 ? null : { items, events: taken.length, after };
  }

  /** Forgets what waits. Returns the number of events. */
  clear(): number {
    const { length } = this.#waiting.splice(0);
    this.#characters = 0;
    return length;
  }

  #countForMessage(): number {
    let characters = 0;
    const end = this.#waiting.findIndex(({ entry }, index) => {
      characters += eventWeight(entry.event);
      return index === mostInMessage.events || (index > 0 && characters > mostInMessage.characters);
    });
    return end < 0 ? this.#waiting.length : end;
  }
}
