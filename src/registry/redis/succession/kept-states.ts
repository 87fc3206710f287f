import type { RegistryHooks } from "../../registry.ts";
import type { RedisLink } from "../connection/link.ts";
import { keepStates } from "../scripts/succession.ts";
import type { SealedTexts } from "./sealed-text.ts";

/** The bytes a second that the state of one session may take on average: long states are written less often. */
const bytesPerSecond = 5_000;
/** The longest time for which a changed state waits to be written, in milliseconds. */
const longestWaitMs = 5_000;
/** The time after a change at which it is written, with those of other sessions, in milliseconds. */
const delayMs = 250;
/** The most states that are written at once, and the most characters of them. */
const mostAtOnce = { states: 50, characters: 1_000_000 };

/** Writes what another process needs to go on with the sessions of this one, soon after it has changed. */
export class KeptStates {
  readonly #link: RedisLink;
  readonly #texts: SealedTexts;
  readonly #carried: RegistryHooks["carried"];
  /** The sessions whose state has changed since it was written. */
  readonly #changed = new Set<string>();
  /** The time from which the state of each session that was written may be written again, by `performance.now()`. */
  readonly #notBefore = new Map<string, number>();
  #writing = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(link: RedisLink, texts: SealedTexts, carried: RegistryHooks["carried"]) {
    this.#link = link;
    this.#texts = texts;
    this.#carried = carried;
  }

  changed(sessionId: string): void {
    this.#changed.add(sessionId);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.write();
    }, delayMs).unref();
  }

  forget(sessionId: string): void {
    this.#changed.delete(sessionId);
    this.#notBefore.delete(sessionId);
  }

  /** Writes all of these sessions again, since Redis may have been emptied. */
  writeAgain(sessionIds: Iterable<string>): void {
    for (const sessionId of sessionIds) this.#changed.add(sessionId);
    this.#notBefore.clear();
  }

  /** Writes what is due; what is not, or could not be written, is left for the next heartbeat. Never rejects. */
  async write(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    try {
      for (let batch = this.#batch(); batch.length > 0; batch = this.#batch()) {
        const sessionIds = batch.map(([sessionId]) => sessionId);
        try {
          await this.#link.runAsOwner(keepStates, [batch.length, ...batch.flat()]);
        } catch {
          for (const sessionId of sessionIds) this.#changed.add(sessionId);
          return;
        }
      }
    } finally {
      this.#writing = false;
    }
  }

  #batch(): (readonly [sessionId: string, state: string])[] {
    const at = performance.now();
    const batch: (readonly [string, string])[] = [];
    let characters = 0;
    for (const sessionId of this.#changed) {
      if (batch.length >= mostAtOnce.states || characters >= mostAtOnce.characters) break;
      if ((this.#notBefore.get(sessionId) ?? at) > at) continue;
      this.#changed.delete(sessionId);
      const carried = this.#carried(sessionId);
      // A session that must not be kept, or has nothing to be kept yet, costs Redis nothing.
      if (carried === null && !this.#notBefore.has(sessionId)) continue;
      const state = carried === null ? "" : this.#texts.seal(sessionId, carried);
      const waitMs = Math.min(longestWaitMs, (state.length / bytesPerSecond) * 1_000);
      this.#notBefore.set(sessionId, at + waitMs);
      batch.push([sessionId, state]);
      characters += state.length;
    }
    return batch;
  }
}
