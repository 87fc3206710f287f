import { GreenroomError } from "../shared/errors.ts";
import type { OnceKey, OnceResult } from "./registry.ts";

/** The time that the answer to a key is kept, in milliseconds. */
export const answerKeptMs = 600_000;
/** The most answers that are kept for one caller; the caller's oldest go first. */
export const mostKeptOfOne = 1_000;
/** The most answers that are kept for all callers; the oldest of the caller with the most go first. */
export const mostKept = 10_000;

interface Entry {
  readonly bodyHash: string;
  readonly result: Promise<OnceResult<unknown>>;
  /** The time of the answer, by `performance.now()`; null while the first request is under way. */
  answeredAt: number | null;
}

/** Entries by name, in the order of their first request, which is nearly that of their age. */
type Entries = Map<string, Entry>;

/** Runs each request once in this process, by caller and key, and keeps the answers. */
export class LocalKeys {
  /** The entries of each caller, in the order of the callers' last new requests. */
  readonly #ofCallers = new Map<string, Entries>();
  #size = 0;

  /**
   * Does what `SessionRegistry.onceByKey` says. The result of `run` may itself be the answer of an earlier request,
   * elsewhere.
   */
  async once<T>(
    { name, caller, bodyHash }: OnceKey,
    run: () => Promise<OnceResult<T>>,
  ): Promise<OnceResult<T>> {
    this.#sweep(caller);
    const known = this.#ofCallers.get(caller)?.get(name);
    if (known) {
      if (known.bodyHash !== bodyHash) throw new GreenroomError("IDEMPOTENCY_MISMATCH");
      const { answer } = (await known.result) as OnceResult<T>;
      return { answer, replayed: true };
    }
    const result = run();
    const entry: Entry = { bodyHash, result, answeredAt: null };
    this.#add(caller, name, entry);
    try {
      return await result;
    } catch (error) {
      this.#delete(caller, name);
      throw error;
    } finally {
      entry.answeredAt = performance.now();
    }
  }

  #add(caller: string, name: string, entry: Entry): void {
    const entries: Entries = this.#ofCallers.get(caller) ?? new Map();
    this.#ofCallers.delete(caller);
    this.#ofCallers.set(caller, entries.set(name, entry));
    this.#size += 1;
  }

  #delete(caller: string, name: string): void {
    const entries = this.#ofCallers.get(caller);
    if (!entries?.delete(name)) return;
    this.#size -= 1;
    if (entries.size === 0) this.#ofCallers.delete(caller);
  }

  /**
   * Makes room: first removes old answers of this caller, and of the one that has asked for nothing for longest; then,
   * where there are too many, some of the caller with the most.
   */
  #sweep(caller: string): void {
    const [quietest = caller] = this.#ofCallers.keys();
    for (const one of new Set([caller, quietest])) this.#shorten(one, mostKeptOfOne - 1);
    if (this.#size >= mostKept) this.#shorten(...this.#largest());
  }

  #largest(): [caller: string, most: number] {
    let largest = "";
    let size = 0;
    for (const [caller, entries] of this.#ofCallers) {
      if (entries.size <= size) continue;
      largest = caller;
      size = entries.size;
    }
    return [largest, size - 1];
  }

  /**
   * Removes the oldest answers of a caller beyond `most`, and those that are too old. Requests under way stay: they are
   * few, since each of them has a place.
   */
  #shorten(caller: string, most: number): void {
    const entries: Entries = this.#ofCallers.get(caller) ?? new Map();
    for (const [name, { answeredAt }] of entries) {
      if (answeredAt === null) continue;
      if (entries.size <= most && performance.now() - answeredAt <= answerKeptMs) return;
      this.#delete(caller, name);
    }
  }
}
