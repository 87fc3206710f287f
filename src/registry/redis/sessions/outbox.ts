import type { EndMessage, SessionEnd } from "../../registry.ts";
import type { OwnSession } from "./records.ts";

/** The most entries of each kind that are written at once, so that no script keeps Redis busy for long. */
const mostAtOnce = 200;
/** The most characters of the texts of messages that are written at once. */
const mostTextAtOnce = 1_000_000;

/** A session that has ended, or was never started. */
export interface Ended {
  readonly session: OwnSession;
  /** The end; null where the session was never started. */
  readonly end: SessionEnd | null;
  /** The time that the end is to be remembered, in milliseconds. */
  readonly keptMs: number;
  /** The text of the message about the end; null where none is sent. */
  readonly body: string | null;
  /** Called once the end is written. `superseded`: another end had been written before. */
  readonly written?: (superseded: boolean) => void;
}

/** A part of the outbox that is written at once. */
export interface Batch {
  /** The lost sessions of others that were reported. */
  readonly reported: readonly (readonly [sessionId: string, message: EndMessage | null])[];
  readonly told: readonly string[];
  readonly setAside: readonly string[];
  readonly held: readonly EndMessage[];
  readonly live: readonly OwnSession[];
  readonly ended: readonly Ended[];
  /** True where not everything that is to be written fitted in. */
  readonly cut: boolean;
}

/** Keeps what Redis does not know yet. Writing a thing twice does no harm: it stays here until it is known to be written. */
export class Outbox {
  readonly #reported = new Map<string, EndMessage | null>();
  readonly #told = new Set<string>();
  readonly #setAside = new Set<string>();
  readonly #held = new Map<string, EndMessage>();
  readonly #live = new Map<string, OwnSession>();
  readonly #ended = new Map<string, Ended>();

  /**
   * Returns whether this lost session was given to this node before, and Redis does not know yet that it is reported.
   */
  reports(sessionId: string): boolean {
    return this.#reported.has(sessionId);
  }

  report(sessionId: string, message: EndMessage | null): void {
    this.#reported.set(sessionId, message);
  }

  /** Notes that the message of this session need not be kept any longer. */
  told(sessionId: string): void {
    this.#held.delete(sessionId);
    this.#told.add(sessionId);
  }

  /** Notes that this node has no room for the message of this session, so that another one is to deliver it. */
  setAside(sessionId: string): void {
    this.#setAside.add(sessionId);
  }

  /** Notes that this node delivers the message, which Redis may have forgotten. */
  hold(message: EndMessage): void {
    this.#held.set(message.sessionId, message);
  }

  add(session: OwnSession): void {
    this.#live.set(session.claim.sessionId, session);
  }

  end(ended: Ended): void {
    const { sessionId } = ended.session.claim;
    this.#live.delete(sessionId);
    this.#ended.set(sessionId, ended);
  }

  /** Returns whether the end of this session is not written yet. */
  ends(sessionId: string): boolean {
    return this.#ended.has(sessionId);
  }

  /** Returns the ends that are not written yet. */
  unwritten(): readonly Ended[] {
    return [...this.#ended.values()];
  }

  /** Removes a session that has ended otherwise, so that it is not written as a live one. */
  forget(sessionId: string): void {
    this.#live.delete(sessionId);
  }

  /** Returns a batch of ends alone, which make room for others to start. */
  endsAlone(most: number): Batch {
    const { items, cut } = this.#someEnds(most);
    return { reported: [], told: [], setAside: [], held: [], live: [], ended: items, cut };
  }

  batch(): Batch {
    const ended = this.#someEnds(mostAtOnce);
    const held = some(this.#held.values(), mostAtOnce, ({ body }) => body.length);
    const reported = some(this.#reported, mostAtOnce, ([, message]) => message?.body.length ?? 0);
    const told = some(this.#told, mostAtOnce);
    const setAside = some(this.#setAside, mostAtOnce);
    const live = some(this.#live.values(), mostAtOnce);
    return {
      reported: reported.items,
      told: told.items,
      setAside: setAside.items,
      held: held.items,
      live: live.items,
      ended: ended.items,
      cut: [ended, held, reported, told, setAside, live].some(({ cut }) => cut),
    };
  }

  /** Removes what is written. Entries that were put in meanwhile stay. */
  written({ reported, told, setAside, held, live, ended }: Batch, superseded: readonly string[]): void {
    for (const [sessionId] of reported) this.#reported.delete(sessionId);
    for (const sessionId of told) this.#told.delete(sessionId);
    for (const sessionId of setAside) this.#setAside.delete(sessionId);
    for (const message of held) {
      if (this.#held.get(message.sessionId) === message) this.#held.delete(message.sessionId);
    }
    for (const session of live) {
      const { sessionId } = session.claim;
      if (this.#live.get(sessionId) === session) this.#live.delete(sessionId);
    }
    for (const entry of ended) {
      const { sessionId } = entry.session.claim;
      if (this.#ended.get(sessionId) === entry) this.#ended.delete(sessionId);
      entry.written?.(superseded.includes(sessionId));
    }
  }

  #someEnds(most: number): Some<Ended> {
    return some(this.#ended.values(), most, ({ body }) => body?.length ?? 0);
  }
}

interface Some<T> {
  readonly items: readonly T[];
  readonly cut: boolean;
}

/** Returns the first items, as many as may be written at once. */
function some<T>(all: Iterable<T>, most: number, textOf: (item: T) => number = () => 0): Some<T> {
  const items: T[] = [];
  let text = 0;
  for (const item of all) {
    text += textOf(item);
    if (items.length === most || (items.length > 0 && text > mostTextAtOnce)) return { items, cut: true };
    items.push(item);
  }
  return { items, cut: false };
}

type Arguments = readonly (string | number)[];

const counted = <T>(items: readonly T[], argumentsOf: (item: T) => Arguments): Arguments => [
  items.length,
  ...items.flatMap(argumentsOf),
];

/** Returns the arguments of a batch, in the order in which the script `beat` reads them. */
export const batchArguments = (batch: Batch): Arguments => [
  ...counted(batch.reported, ([sessionId, message]) => [sessionId, message?.since ?? 0, message?.body ?? ""]),
  ...counted(batch.told, (sessionId) => [sessionId]),
  ...counted(batch.setAside, (sessionId) => [sessionId]),
  ...counted(batch.held, ({ sessionId, since, body }) => [sessionId, since, body]),
  ...counted(batch.live, ({ claim, call, json }) => [claim.sessionId, call, json]),
  ...endedArguments(batch),
];

export const endedArguments = ({ ended }: Batch): Arguments =>
  counted(ended, ({ session: { claim, call, json }, end, keptMs, body }) => [
    claim.sessionId,
    call,
    json,
    end?.reason ?? "",
    end?.endedAt ?? 0,
    keptMs,
    end?.endedAt ?? 0,
    body ?? "",
  ]);
