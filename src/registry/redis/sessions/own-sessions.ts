import { CallCounts } from "../../call-counts.ts";
import type { OwnSession } from "./records.ts";

/** The live sessions of this process. */
export class OwnSessions {
  readonly #sessions = new Map<string, OwnSession>();
  readonly #calls = new CallCounts();
  /**
   * The way in which the number of sessions that Redis knew of this process differed from the right one, the last time
   * that they were compared.
   */
  #difference: "more" | "fewer" | null = null;

  get size(): number {
    return this.#sessions.size;
  }

  /** Returns the number of sessions in a call. */
  in(call: string): number {
    return this.#calls.in(call);
  }

  get(sessionId: string): OwnSession | undefined {
    return this.#sessions.get(sessionId);
  }

  has(sessionId: string): boolean {
    return this.#sessions.has(sessionId);
  }

  all(): Iterable<OwnSession> {
    return this.#sessions.values();
  }

  /** Returns the ids of the sessions that Redis has known. */
  written(): readonly string[] {
    return [...this.#sessions].filter(([, { written }]) => written).map(([sessionId]) => sessionId);
  }

  add(session: OwnSession): void {
    this.#sessions.set(session.claim.sessionId, session);
    this.#calls.add(session.call);
  }

  remove(sessionId: string): OwnSession | undefined {
    const session = this.#sessions.get(sessionId);
    if (!session) return undefined;
    this.#sessions.delete(sessionId);
    this.#calls.remove(session.call);
    return session;
  }

  /**
   * Compares their number with the number that Redis knows. Returns "more" or "fewer" where Redis knows more or fewer
   * twice in a row; else null. A single answer of Redis may be older than what has happened meanwhile.
   */
  compare(known: number): "more" | "fewer" | null {
    const difference = known > this.size ? "more" : known < this.written().length ? "fewer" : null;
    const isSure = difference !== null && difference === this.#difference;
    this.#difference = isSure ? null : difference;
    return isSure ? difference : null;
  }
}
