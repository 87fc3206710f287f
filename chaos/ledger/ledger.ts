import { machineNow } from "../clock.ts";
import type { Heard } from "../fleet/heartbeat-collector.ts";
import type { ToldEnd } from "../fleet/webhook-receiver.ts";
import type { Reply } from "../load/client.ts";
import type { SpokenCall } from "../spoken/spoken-call.ts";
import type { Timeline } from "../timeline.ts";

/** An answer that somebody got, and when they had asked and read it. */
export interface Answered {
  readonly askedAt: number;
  readonly at: number;
  readonly status: number;
  readonly code: string | null;
  readonly endReason: string | null;
}

/** A start that a caller wants, over all attempts with one idempotency key. */
export interface WantedStart {
  readonly key: string;
  readonly call: string;
  readonly kind: string;
  readonly wantedAt: number;
  readonly attempts: Answered[];
  /** Sessions that 201 answers named: one, if all is well. */
  readonly sessions: Set<string>;
  /** The time from which nobody asks for it any more; null before. */
  settledAt: number | null;
}

/** The facts about a session that are known from outside the servers. */
export interface LedgerSession {
  readonly id: string;
  readonly call: string;
  readonly kind: string;
  readonly key: string;
  readonly answeredAt: number;
  /** The token with which a client comes into its call. */
  readonly token: string;
  readonly views: Answered[];
  readonly closes: Answered[];
  /** End reasons that event streams told. */
  readonly streamed: Set<string>;
}

/** A start that was refused: 429 or 503 with a code of the server, and what was known then. */
export interface Refusal {
  readonly start: WantedStart;
  readonly answered: Answered;
  /** The sign that there was room; null: there was none, or nobody can say. */
  readonly roomSaid: string | null;
}

/** The record of what was asked, answered, told and heard, kept outside the servers. */
export class Ledger {
  readonly starts = new Map<string, WantedStart>();
  readonly sessions = new Map<string, LedgerSession>();
  readonly ends = new Map<string, ToldEnd[]>();
  readonly refusals: Refusal[] = [];
  /** What was heard in calls in which somebody speaks. */
  readonly spokenCalls: SpokenCall[] = [];
  readonly #timeline: Timeline;
  /** Judges a refusal when it comes. */
  #judge: (start: WantedStart, code: string) => string | null = () => null;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  judgeRefusalsBy(judge: (start: WantedStart, code: string) => string | null): void {
    this.#judge = judge;
  }

  wanted(key: string, call: string, kind: string): WantedStart {
    const start = {
      key,
      call,
      kind,
      wantedAt: machineNow(),
      attempts: [],
      sessions: new Set<string>(),
      settledAt: null,
    };
    this.starts.set(key, start);
    return start;
  }

  /** An attempt of a start was answered. Returns the session, where there is one. */
  answered(start: WantedStart, askedAt: number, reply: Reply): LedgerSession | null {
    const answered = answeredBy(askedAt, reply);
    start.attempts.push(answered);
    const about = [start.key, start.call];
    if (reply.status === 429 || reply.status === 503) {
      const roomSaid = reply.code === null ? null : this.#judge(start, reply.code);
      this.refusals.push({ start, answered, roomSaid });
    }
    if (reply.status !== 201) {
      this.#timeline.note(`start ${start.key} (${start.kind}) in ${start.call}: ${reply.text}`, about);
      return null;
    }
    const id = String(reply.body.session_id);
    start.sessions.add(id);
    this.#timeline.note(`start ${start.key} (${start.kind}) in ${start.call}: 201 ${id}`, [...about, id]);
    const known = this.sessions.get(id);
    if (known) return known;
    const { key, call, kind } = start;
    const session: LedgerSession = {
      id,
      call,
      kind,
      key,
      answeredAt: answered.at,
      token: String(reply.body.session_token),
      views: [],
      closes: [],
      streamed: new Set(),
    };
    this.sessions.set(id, session);
    return session;
  }

  viewed(session: LedgerSession, askedAt: number, reply: Reply): void {
    session.views.push(answeredBy(askedAt, reply));
    if (reply.status !== 200)
      this.#timeline.note(`view of ${session.id}: ${said(reply)}`, [session.id, session.call]);
  }

  closed(session: LedgerSession, askedAt: number, reply: Reply): void {
    session.closes.push(answeredBy(askedAt, reply));
    this.#timeline.note(`close of ${session.id}: ${said(reply)}`, [session.id, session.call]);
  }

  told(told: ToldEnd): void {
    const before = this.ends.get(told.sessionId);
    if (before) before.push(told);
    else this.ends.set(told.sessionId, [told]);
    this.#timeline.note(`told ${told.sessionId}: ${told.endReason}`, [told.sessionId], told.at);
  }

  /** Sessions that were answered 201 and whose end has not been told. */
  untold(): readonly LedgerSession[] {
    return [...this.sessions.values()].filter(({ id }) => !this.ends.has(id));
  }

  /** Keys of starts that may hold a place now, by everything that is known: too many rather than too few. */
  occupying(heard: readonly Heard[], recentMs: number): ReadonlyMap<string, WantedStart> {
    const now = machineNow();
    const occupying = new Map<string, WantedStart>();
    const heardKeys = new Set(
      heard.filter(({ times }) => times.at(-1)! > now - recentMs).map(({ key }) => key),
    );
    for (const start of this.starts.values()) {
      const ids = [...start.sessions];
      const ends = ids.flatMap((id) => this.ends.get(id) ?? []);
      const isRecent = (start.settledAt ?? now) > now - recentMs;
      const isOpen = ids.some((id) => !this.ends.has(id));
      const endedLately = ends.some(({ at }) => at > now - recentMs);
      if (isRecent || isOpen || endedLately || heardKeys.has(start.key)) occupying.set(start.key, start);
    }
    return occupying;
  }
}

function answeredBy(askedAt: number, { status, code, body }: Reply): Answered {
  const endReason = typeof body?.end_reason === "string" ? body.end_reason : null;
  return { askedAt, at: machineNow(), status, code, endReason };
}

const said = ({ text, body }: Reply): string =>
  typeof body?.end_reason === "string" ? `${text} (${body.end_reason})` : text;
