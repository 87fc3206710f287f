import { GreenroomError } from "../errors.ts";
import type { OnceKey, OnceResult } from "./registry.ts";

/** How long the answer to a key is kept, in milliseconds. */
export const answerKeptMs = 600_000;
/** Most answers that are kept; the oldest go first. */
const mostKept = 10_000;

interface Entry {
  readonly bodyHash: string;
  readonly result: Promise<OnceResult<unknown>>;
  /** Null while the first request is under way. */
  answeredAt: number | null;
}

/** What was run once in this process, by key. */
export class LocalKeys {
  readonly #entries = new Map<string, Entry>();

  /** See `SessionRegistry.onceByKey`. What `run` brings may itself be the answer of an earlier request, elsewhere. */
  async once<T>({ name, bodyHash }: OnceKey, run: () => Promise<OnceResult<T>>): Promise<OnceResult<T>> {
    this.#sweep();
    for (let known = this.#entries.get(name); known; known = this.#entries.get(name)) {
      if (known.bodyHash !== bodyHash) throw new GreenroomError("IDEMPOTENCY_MISMATCH");
      const earlier = await answerOf<T>(known);
      if (earlier) return { answer: earlier.answer, replayed: true };
    }
    const result = run();
    const entry: Entry = { bodyHash, result, answeredAt: null };
    this.#entries.set(name, entry);
    try {
      return await result;
    } catch (error) {
      this.#entries.delete(name);
      throw error;
    } finally {
      entry.answeredAt = performance.now();
    }
  }

  /** In the order of their first request, which is nearly that of their age. Those under way are few: each has a place. */
  #sweep(): void {
    for (const [name, { answeredAt }] of this.#entries) {
      if (answeredAt === null) continue;
      if (this.#entries.size < mostKept && performance.now() - answeredAt <= answerKeptMs) return;
      this.#entries.delete(name);
    }
  }
}

/** Null where whoever asked first left before it began: who asked again still waits. Throws what the first one was told. */
async function answerOf<T>({ result }: Entry): Promise<OnceResult<T> | null> {
  try {
    return (await result) as OnceResult<T>;
  } catch (error) {
    if (GreenroomError.is(error) && error.code === "START_ABANDONED") return null;
    throw error;
  }
}
