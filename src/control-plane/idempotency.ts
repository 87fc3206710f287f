import { createHash } from "node:crypto";
import { GreenroomError } from "../errors.ts";
import type { JsonValue } from "../protocol.ts";
import { InvalidRequest } from "./invalid-request.ts";
import { canonicalJson } from "./json.ts";

/** How long the answer to a key is kept, in milliseconds. */
const keptMs = 600_000;
/** Most answers that are kept; the oldest go first. */
const mostKept = 10_000;

interface Entry<T> {
  readonly bodyHash: string;
  readonly answer: Promise<T>;
  /** Null while the first request is under way. */
  answeredAt: number | null;
}

/**
 * Answers by Idempotency-Key, so that a client may repeat a request whose answer it did not get. Keys belong to their caller:
 * two callers may use the same one.
 */
export class IdempotencyKeys<T> {
  readonly #entries = new Map<string, Entry<T>>();

  /**
   * The answer of the first request with this key, which is waited for; or `run`'s, where this is the first. A failure is
   * forgotten. Throws IDEMPOTENCY_MISMATCH where the first one had another body.
   */
  async once(
    caller: string,
    key: string,
    body: JsonValue,
    run: () => Promise<T>,
  ): Promise<{ answer: T; replayed: boolean }> {
    this.#sweep();
    const name = JSON.stringify([caller, key]);
    const bodyHash = createHash("sha256").update(canonicalJson(body)).digest("base64");
    const known = this.#entries.get(name);
    if (known) {
      if (known.bodyHash !== bodyHash) throw new GreenroomError("IDEMPOTENCY_MISMATCH");
      return { answer: await known.answer, replayed: true };
    }
    const entry: Entry<T> = { bodyHash, answer: run(), answeredAt: null };
    this.#entries.set(name, entry);
    try {
      const answer = await entry.answer;
      entry.answeredAt = performance.now();
      return { answer, replayed: false };
    } catch (error) {
      this.#entries.delete(name);
      throw error;
    }
  }

  /** In the order of their first request, which is nearly that of their age. Those under way are few: each has a place. */
  #sweep(): void {
    for (const [name, { answeredAt }] of this.#entries) {
      if (answeredAt === null) continue;
      if (this.#entries.size < mostKept && performance.now() - answeredAt <= keptMs) return;
      this.#entries.delete(name);
    }
  }
}

/** The header's value, or null where there is none. Throws 422. */
export function idempotencyKey(headers: Headers): string | null {
  const key = headers.get("idempotency-key");
  if (key === null || /^[\x20-\x7e]{1,255}$/.test(key)) return key;
  throw new InvalidRequest([
    {
      loc: ["header", "idempotency-key"],
      msg: "Expected 1 to 255 printable ASCII characters",
      type: "string_pattern_mismatch",
    },
  ]);
}
