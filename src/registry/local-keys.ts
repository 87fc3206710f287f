import { GreenroomError } from "../errors.ts";
import type { OnceKey, OnceResult } from "./registry.ts";

/** How long the answer to a key is kept, in milliseconds. */
export const answerKeptMs = 600_000;
/** Most answers that are kept for one caller; their own oldest go first. */
export const mostKeptOfOne = 1_000;
/** Most answers that are kept for all; the oldest of whoever has most go first. */
export const mostKept = 10_000;

interface Entry {
  readonly bodyHash: string;
  readonly result: Promise<OnceResult<unknown>>;
  /** Null while the first request is under way. */
  answeredAt: number | null;
}

/** By name, in the order of their first request, which is nearly that of their age. */
type Entries = Map<string, Entry>;

/** What was run once in this process, by caller and key. */
export class LocalKeys {
  /** In the order of their last new request. */
  readonly #ofCallers = new Map<string, Entries>();
  #size = 0;

  /** See `SessionRegistry.onceByKey`. What `run` brings may itself be the answer of an earlier request, elsewhere. */
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

  /** Makes room: of what is old, the caller's and that of whoever has asked for nothing for longest; then of what is too much. */
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

  /** Those under way stay, and are few: each has a place. */
  #shorten(caller: string, most: number): void {
    const entries: Entries = this.#ofCallers.get(caller) ?? new Map();
    for (const [name, { answeredAt }] of entries) {
      if (answeredAt === null) continue;
      if (entries.size <= most && performance.now() - answeredAt <= answerKeptMs) return;
      this.#delete(caller, name);
    }
  }
}
