import { randomBytes } from "node:crypto";
import type { Participant } from "../../../agent/edge.ts";
import { isObject } from "../../../agent/options/option-checks.ts";
import type { JsonObject, JsonValue } from "../../../shared/protocol.ts";

/** The time within which a disconnected participant can resume, in milliseconds. */
const returnWithinMs = 120_000;
/** The number of final transcripts that are kept for participants who resume. */
const mostKept = 100;
const mostGone = 64;
/** The number of final transcripts that go into the hints: those that may have been under way as the thread ended. */
const mostHinted = 8;
/** The most characters of them. */
const mostHintedLength = 8_192;

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
   * Returns what an agent needs that takes up the call.
   * @param present The participants who are connected, with their secrets.
   */
  hints(present: Iterable<Participant & { readonly resume: string }>): JsonValue {
    const people = new Map([...this.#gone].map(([secret, { participant }]) => [secret, participant]));
    for (const { id, name, resume } of present) people.set(resume, { id, name });
    const participants = [...people].map(([resume, { id, name }]) => ({ resume, id, name }));
    let words = this.#words.slice(-mostHinted);
    while (JSON.stringify(words).length > mostHintedLength) words = words.slice(1);
    return { participants: participants.slice(-mostGone), words };
  }

  /**
   * Takes over the hints of the agent before. Its last words may not have reached the participants, so that these are told all of them
   * again. Taken over once more, they add those who have come since.
   * @param present The participants who are connected already.
   */
  restore(hints: JsonValue, present: Iterable<Participant> = []): void {
    if (!isObject(hints)) return;
    const { participants, words } = hints as JsonObject;
    const known = new Set([...present].map(({ id }) => id));
    this.#words = [];
    this.#count = 0;
    for (const person of listIn(participants)) {
      const { resume, id, name } = person;
      if (typeof resume === "string" && typeof id === "string" && typeof name === "string" && !known.has(id))
        this.dropped(resume, { id, name });
    }
    for (const message of listIn(words)) this.said(message);
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

/** Returns the objects of a list; none where it is no list. */
const listIn = (value: JsonValue | undefined): JsonObject[] =>
  Array.isArray(value) ? value.filter((one): one is JsonObject => isObject(one)) : [];
