import { endKeptMs } from "../kept-ends.ts";
import { type LineSize, tail } from "./lines.ts";

/**
 * The state of a session in the journal. `live`: it was claimed; `untold`: it has ended, and its message is not
 * delivered yet; `told`: it has ended, and nothing is left to deliver.
 */
export type EntryState = "live" | "untold" | "told";

/** A session in the file, and the line of it that counts. */
export interface Entry {
  readonly sessionId: string;
  state: EntryState;
  /** The offset at which its line begins. */
  offset: number;
  /** The length of its line, in bytes. */
  length: number;
  /** The number of bytes in front of the message. */
  headLength: number;
  /** The time at which the session ended, in epoch milliseconds; 0 while it is live. */
  endedAt: number;
}

/** The greatest number of ended sessions without a message that are remembered; the oldest go first. */
const mostTold = 10_000;

/** The index of the file: where each session is, and how many bytes are not needed any more. */
export class Contents {
  readonly #entries = new Map<string, Entry>();
  /** The entries in the state `told`, in the order in which they came to it. */
  readonly #told = new Set<Entry>();
  #deadBytes = 0;

  /** Returns the number of bytes that writing the file anew would save. */
  get deadBytes(): number {
    return this.#deadBytes;
  }

  get(sessionId: string): Entry | undefined {
    return this.#entries.get(sessionId);
  }

  /** Counts bytes that are not needed any more. */
  wasted(bytes: number): void {
    this.#deadBytes += bytes;
  }

  claimed(sessionId: string, offset: number, { length, headLength }: LineSize): void {
    if (this.#entries.has(sessionId)) this.wasted(length);
    else this.#add({ sessionId, state: "live", offset, length, headLength, endedAt: 0 });
  }

  withdrawn(sessionId: string, { length }: LineSize): void {
    this.wasted(length);
    if (this.#entries.get(sessionId)?.state === "live") this.#delete(sessionId);
  }

  /** Notes an end. The first end of a session counts; returns whether this is the first. */
  ended(
    sessionId: string,
    offset: number,
    { length, headLength }: LineSize,
    { endedAt, hasBody }: { readonly endedAt: number; readonly hasBody: boolean },
  ): boolean {
    const before = this.#entries.get(sessionId);
    if (before && before.state !== "live") {
      this.wasted(length);
      return false;
    }
    if (before) this.#delete(sessionId);
    const state = hasBody ? "untold" : "told";
    this.#add({ sessionId, state, offset, length, headLength, endedAt });
    return true;
  }

  told(sessionId: string, { length }: LineSize): void {
    this.wasted(length);
    const entry = this.#entries.get(sessionId);
    if (entry?.state !== "untold") return;
    entry.state = "told";
    this.wasted(entry.length - entry.headLength - tail.length);
    this.#told.add(entry);
    this.#prune();
  }

  /** Returns the sessions that are to be kept, in the order of the file. */
  kept(now: number): readonly Entry[] {
    for (const entry of this.#told) if (now - entry.endedAt > endKeptMs) this.#delete(entry.sessionId);
    return [...this.#entries.values()].sort((a, b) => a.offset - b.offset);
  }

  /**
   * Takes over the file that was written anew: `places` has the lines before `copiedUpTo`, and the others moved
   * together to `tailOffset`.
   */
  moved(
    places: ReadonlyMap<Entry, Pick<Entry, "offset" | "length">>,
    copiedUpTo: number,
    tailOffset: number,
  ): void {
    this.#deadBytes = 0;
    for (const entry of this.#entries.values()) {
      if (entry.offset >= copiedUpTo) entry.offset += tailOffset - copiedUpTo;
      else Object.assign(entry, places.get(entry));
    }
  }

  #add(entry: Entry): void {
    this.#entries.set(entry.sessionId, entry);
    if (entry.state !== "told") return;
    this.#told.add(entry);
    this.#prune();
  }

  #prune(): void {
    for (const { sessionId } of this.#told) {
      if (this.#told.size <= mostTold) return;
      this.#delete(sessionId);
    }
  }

  #delete(sessionId: string): void {
    const entry = this.#entries.get(sessionId);
    if (!entry) return;
    this.#entries.delete(sessionId);
    this.#told.delete(entry);
    this.wasted(entry.state === "told" ? entry.headLength + tail.length : entry.length);
  }
}
