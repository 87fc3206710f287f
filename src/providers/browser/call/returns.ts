import { randomBytes } from "node:crypto";
import type { Participant } from "../../../agent/edge.ts";
import type { JsonObject } from "../../../shared/protocol.ts";

/** The time within which a disconnected participant can resume, in milliseconds. */
const returnWithinMs = 120_000;
/** The number of final transcripts that are kept for participants who resume. */
const mostKept = 100;
const mostGone = 64;

interface Gone {
  readonly participant: Participant;
  readonly at: number;
  /** The number of final transcripts that it was sent. */
  readonly told: number;
}

/**
 * Keeps what participants whose connection broke need to resume: who they are, and the transcripts meanwhile.
 */
export class Returns {
  readonly #gone = new Map<string, Gone>();
  #words: JsonObject[] = [];
  #count = 0;

  /** Returns a secret that only a participant's own client is given. */
  newSecret(): string {
    return randomBytes(24).toString("base64url");
  }

  /** Keeps a final transcript. */
  said(message: JsonObject): void {
    this.#words.push(message);
    this.#count += 1;
    if (this.#words.length > mostKept) this.#words.shift();
  }

  /** Keeps a participant whose connection broke. */
  dropped(secret: string, { id, name }: Participant): void {
    this.#gone.set(secret, { participant: { id, name }, at: performance.now(), told: this.#count });
    const [oldest] = this.#gone.keys();
    if (this.#gone.size > mostGone && oldest !== undefined) this.#gone.delete(oldest);
  }

  /**
   * Returns the participant with this secret, and the transcripts that they missed; null where there is none.
   */
  back(secret: string | null): { readonly participant: Participant; readonly missed: JsonObject[] } | null {
    const gone = secret === null ? undefined : this.#gone.get(secret);
    if (secret === null || gone === undefined) return null;
    this.#gone.delete(secret);
    if (performance.now() - gone.at > returnWithinMs) return null;
    const missed = Math.min(this.#count - gone.told, this.#words.length);
    return { participant: gone.participant, missed: missed === 0 ? [] : this.#words.slice(-missed) };
  }
}
