import { randomBytes } from "node:crypto";
import type { Participant } from "../../../agent/edge.ts";
import type { JsonObject } from "../../../shared/protocol.ts";

/** The time within which somebody who dropped out comes back as the same participant, in milliseconds. */
const returnWithinMs = 120_000;
/** Final words that are kept for those who come back. */
const mostKept = 100;
const mostGone = 64;

interface Gone {
  readonly participant: Participant;
  readonly at: number;
  /** The number of final words that it had been told. */
  readonly told: number;
}

/** What is kept for participants whose connection broke: who they were, and what was said meanwhile. */
export class Returns {
  readonly #gone = new Map<string, Gone>();
  #words: JsonObject[] = [];
  #count = 0;

  /** Returns a text that only a participant's own client gets to know. */
  newSecret(): string {
    return randomBytes(24).toString("base64url");
  }

  /** Takes in final words. */
  said(message: JsonObject): void {
    this.#words.push(message);
    this.#count += 1;
    if (this.#words.length > mostKept) this.#words.shift();
  }

  /** Takes in that a participant dropped out. */
  dropped(secret: string, { id, name }: Participant): void {
    this.#gone.set(secret, { participant: { id, name }, at: performance.now(), told: this.#count });
    const [oldest] = this.#gone.keys();
    if (this.#gone.size > mostGone && oldest !== undefined) this.#gone.delete(oldest);
  }

  /** Returns who dropped out and has this text, and what they have missed; null where there is nobody. */
  back(secret: string | null): { readonly participant: Participant; readonly missed: JsonObject[] } | null {
    const gone = secret === null ? undefined : this.#gone.get(secret);
    if (secret === null || gone === undefined) return null;
    this.#gone.delete(secret);
    if (performance.now() - gone.at > returnWithinMs) return null;
    const missed = Math.min(this.#count - gone.told, this.#words.length);
    return { participant: gone.participant, missed: missed === 0 ? [] : this.#words.slice(-missed) };
  }
}
