import type { RedisLink } from "../connection/link.ts";
import type { OwnSessions } from "./own-sessions.ts";
import { type OwnSession, ownSession } from "./records.ts";

export interface CorrectionsOptions {
  readonly own: OwnSessions;
  readonly link: () => RedisLink;
  /** Returns whether the end of this session is about to be written. */
  readonly ends: (sessionId: string) => boolean;
  readonly writeAll: () => void;
  /** Withdraws a session that this process does not have. */
  readonly neverWas: (session: OwnSession) => void;
}

/**
 * Corrects what Redis knows of this process where its number of sessions is wrong: a failover can lose what Redis had confirmed,
 * or bring back a session that has ended.
 */
export class Corrections {
  readonly #options: CorrectionsOptions;

  constructor(options: CorrectionsOptions) {
    this.#options = options;
  }

  /** Takes in how many sessions of this process Redis knows. One answer may be older than what has happened meanwhile. */
  compare(known: number): void {
    const difference = this.#options.own.compare(known);
    if (difference === "fewer") this.#options.writeAll();
    if (difference === "more") void this.#withdrawGhosts().catch(() => undefined);
  }

  async #withdrawGhosts(): Promise<void> {
    const { own, link, ends, neverWas } = this.#options;
    for (const sessionId of await link().knownSessions()) {
      if (own.has(sessionId) || ends(sessionId)) continue;
      neverWas(ownSession({ sessionId, callType: "", callId: "", createdBy: null, startedAt: 0 }));
    }
  }
}
