import type { ServerLog } from "../../log/log.ts";
import { within } from "../../shared/deadline.ts";
import { now, type SessionState } from "../../shared/protocol.ts";
import type { Slot } from "../threads/slot.ts";
import type { Session } from "./session.ts";

/** The time that an ended session can still be read, in milliseconds. */
const keptMs = 600_000;
/**
 * The number of sessions that ended last of which all events are kept, for readers who come back; of the others a
 * summary is kept.
 */
const keptWhole = 64;
/** The most ended sessions that are kept; the oldest go first. */
const mostKept = 10_000;

/** The sessions of this process: the live ones, and for a while those that have ended. */
export class Sessions {
  readonly #live = new Map<string, Session>();
  readonly #whole: Session[] = [];
  /** The ended sessions, in the order of their end. */
  readonly #ended = new Map<string, Session>();

  add(session: Session): void {
    this.#live.set(session.id, session);
  }

  /** Moves a session to the ended ones. */
  retire(session: Session): void {
    if (this.#live.delete(session.id)) this.#keep(session);
  }

  /** Has an ended session again that was forgotten, unless it has come back to this process meanwhile. */
  recall(session: Session): void {
    if (!this.#live.has(session.id) && !this.#ended.has(session.id)) this.#keep(session);
  }

  #keep(session: Session): void {
    this.#ended.set(session.id, session);
    this.#whole.push(session);
    if (this.#whole.length > keptWhole) this.#whole.shift()?.shrink();
    this.sweep();
  }

  /** Forgets a session at once that never came to be, or goes on in another process, or may do so. */
  forget(session: Session): void {
    // Another session of the same id may have arrived meanwhile.
    for (const sessions of [this.#live, this.#ended])
      if (sessions.get(session.id) === session) sessions.delete(session.id);
  }

  get(id: string): Session | undefined {
    const ended = this.#ended.get(id);
    if (ended && expired(ended)) return undefined;
    return this.#live.get(id) ?? ended;
  }

  /** Returns the live sessions, the oldest first. */
  live(): MapIterator<Session> {
    return this.#live.values();
  }

  /** Returns the session that holds this slot. */
  on(slot: Slot): Session | undefined {
    for (const session of this.#live.values()) if (session.slot === slot) return session;
    return undefined;
  }

  get size(): number {
    return this.#live.size;
  }

  byState(): Record<SessionState, number> {
    const counts = { starting: 0, joining: 0, live: 0, resuming: 0, closing: 0, ended: 0 };
    for (const session of this.#live.values()) counts[session.state] += 1;
    return counts;
  }

  /** Drops the sessions that were kept for long enough. */
  sweep(): void {
    for (const [id, session] of this.#ended) {
      if (this.#ended.size <= mostKept && !expired(session)) return;
      this.#ended.delete(id);
    }
  }
}

function expired(session: Session): boolean {
  return session.endedAt !== null && now() - session.endedAt > keptMs;
}

export interface CallWaitOptions {
  readonly timeoutMs: number;
  /** The signal that ends the wait at once. */
  readonly signal?: AbortSignal;
}

/** Waits for these calls to end by themselves, for `timeoutMs` at the most. Never rejects. */
export async function waitForCalls(
  sessions: readonly Session[],
  { timeoutMs, signal }: CallWaitOptions,
  log: ServerLog,
): Promise<void> {
  if (sessions.length === 0 || signal?.aborted) return;
  log.info(
    { event: "calls_awaited", sessions: sessions.length, timeout_ms: timeoutMs },
    "The shutdown waits for calls to end",
  );
  const ended = Promise.all(sessions.map((session) => session.ended));
  await within(ended, timeoutMs, "Waiting for calls", signal).catch(() => undefined);
}
