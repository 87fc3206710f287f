import type { SessionEnd } from "../registry.ts";
import type { OwnSession } from "./records.ts";

/** Most of each kind that are written at once, so that no script keeps Redis busy for long. */
const mostAtOnce = 200;

interface Release {
  readonly session: OwnSession;
  readonly end: SessionEnd | null;
  /** How long the end is to be remembered. */
  readonly keptMs: number;
}

/** What is to be written, and was taken out to be. */
export interface Batch {
  readonly acknowledged: readonly string[];
  readonly added: readonly OwnSession[];
  readonly released: readonly Release[];
}

/** What Redis does not know yet. Writing a thing twice does no harm: it stays here until it is known to be written. */
export class Outbox {
  readonly #acknowledged = new Set<string>();
  readonly #added = new Map<string, OwnSession>();
  readonly #released = new Map<string, Release>();

  /** A lost session is reported, and need not be given to this node again. False: it was reported before. */
  acknowledge(sessionId: string): boolean {
    if (this.#acknowledged.has(sessionId)) return false;
    this.#acknowledged.add(sessionId);
    return true;
  }

  add(session: OwnSession): void {
    this.#added.set(session.claim.sessionId, session);
  }

  release(session: OwnSession, end: SessionEnd | null, keptMs: number): void {
    this.#added.delete(session.claim.sessionId);
    this.#released.set(session.claim.sessionId, { session, end, keptMs });
  }

  /** Its end is not written yet. */
  releases(sessionId: string): boolean {
    return this.#released.has(sessionId);
  }

  batch(most = mostAtOnce): Batch {
    return {
      acknowledged: [...this.#acknowledged.values().take(most)],
      added: [...this.#added.values().take(most)],
      released: [...this.#released.values().take(most)],
    };
  }

  /** It is written. What was put in meanwhile stays. True: not all that there was fitted in. */
  written({ acknowledged, added, released }: Batch): boolean {
    for (const sessionId of acknowledged) this.#acknowledged.delete(sessionId);
    for (const session of added) {
      const { sessionId } = session.claim;
      if (this.#added.get(sessionId) === session) this.#added.delete(sessionId);
    }
    for (const release of released) {
      const { sessionId } = release.session.claim;
      if (this.#released.get(sessionId) === release) this.#released.delete(sessionId);
    }
    return [acknowledged, added, released].some(({ length }) => length === mostAtOnce);
  }
}

/** As the scripts read them. */
export const addedArguments = ({ added }: Batch): (string | number)[] => [
  added.length,
  ...added.flatMap(({ claim, call, json, recoveries }) => [claim.sessionId, call, json, recoveries]),
];

export const releasedArguments = ({ released }: Batch): (string | number)[] => [
  released.length,
  ...released.flatMap(({ session: { claim, call, json, recoveries }, end, keptMs }) => [
    claim.sessionId,
    call,
    json,
    recoveries,
    end?.reason ?? "",
    end?.endedAt ?? 0,
    keptMs,
  ]),
];
