import { now } from "../shared/protocol.ts";
import type { SessionRecord } from "./registry.ts";

/** The time that an ended session is remembered, in milliseconds. */
export const endKeptMs = 600_000;
/** The most ended sessions that one process remembers; the oldest go first. */
const mostKept = 10_000;

/** The sessions of this process that ended within the last 10 minutes. */
export class KeptEnds {
  /** The sessions by their id, in the order of their end. */
  readonly #records = new Map<string, { readonly record: SessionRecord; readonly keptSince: number }>();

  /** @param keptSince When it ended, in epoch milliseconds. */
  add(record: SessionRecord, keptSince = now()): void {
    this.#records.set(record.sessionId, { record, keptSince });
    for (const [id, { keptSince }] of this.#records) {
      if (this.#records.size <= mostKept && now() - keptSince <= endKeptMs) return;
      this.#records.delete(id);
    }
  }

  get(sessionId: string): SessionRecord | null {
    const kept = this.#records.get(sessionId);
    return kept && now() - kept.keptSince <= endKeptMs ? kept.record : null;
  }

  delete(sessionId: string): void {
    this.#records.delete(sessionId);
  }

  /** Yields each session with the time that it is still to be remembered, in milliseconds. */
  *all(): Generator<{ readonly record: SessionRecord; readonly leftMs: number }> {
    for (const { record, keptSince } of this.#records.values()) {
      const leftMs = Math.round(endKeptMs - (now() - keptSince));
      if (leftMs > 0) yield { record, leftMs };
    }
  }
}
