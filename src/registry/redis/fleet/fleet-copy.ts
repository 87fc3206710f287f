import { callOf } from "../../call-counts.ts";
import { endKeptMs } from "../../kept-ends.ts";
import type { EndMessage, EntrustedSession, SessionEnd } from "../../registry.ts";
import { mostChanges } from "../scripts/beat.ts";
import { type NodeJson, ownerOf, pairs, parseData, parseMessage } from "../sessions/records.ts";

/** The most nodes declared dead that are remembered; the oldest go first. */
const mostFences = 1_000;
/** The most messages of others that are remembered; the oldest go first. Each has 16 KB at the most. */
export const mostMessages = 2_000;
/** The most ended sessions that are remembered; the oldest go first. */
const mostEnded = 5_000;
/** The most sessions that others have entrusted; the oldest go first. */
const mostEntrusted = 10_000;
/** The most sessions, and the most messages, that are written again at once. */
const mostAtOnce = 100;

/** An entry of the stream of changes: its id there, then names and values in turn. */
export type Change = readonly [entry: string, fields: readonly string[]];

/**
 * A copy of everything that all nodes have written: live sessions, messages that wait, nodes, and the nodes that were
 * declared dead. Where Redis is emptied, a dead node can write nothing again: the other nodes do it.
 */
export class FleetCopy {
  /** The number of changes that are known; -1: none is, and a snapshot is to be taken. */
  #known = -1;
  /** The data of each live session, as Redis keeps it, by the session's id. */
  readonly #sessions = new Map<string, string>();
  /** The data of each session that has ended lately, as Redis keeps it, the oldest first; `at` by `performance.now()`. */
  readonly #ended = new Map<string, { readonly data: string; readonly at: number }>();
  /** The messages that wait, by session. */
  readonly #messages = new Map<string, EndMessage>();
  /** The states of the nodes, by node#epoch. */
  #states: ReadonlyMap<string, string> = new Map();
  readonly #fences = new Map<string, string>();
  /** The sessions that their own nodes could not write. */
  readonly #entrusted = new Map<string, EntrustedSession>();
  /** Those of them that are written, until a heartbeat gets through. */
  readonly #unsettled = new Map<string, EntrustedSession>();
  #lastFence = "0";
  /** True where this process stood still, and has not heard of the others since. */
  #isStale = false;

  get changesKnown(): number {
    return this.#known;
  }

  /** Returns when the last node that is known was declared dead, by Redis' clock. */
  get lastFence(): string {
    return this.#lastFence;
  }

  isDeclaredDead(owner: string): boolean {
    return this.#fences.has(owner);
  }

  /** Takes in what a heartbeat brought. Returns false where some changes are missing, and a snapshot is to be taken. */
  learn(news: {
    readonly count: number;
    /** The changes, the newest first. */
    readonly changes: readonly Change[];
    readonly fences: readonly string[];
    readonly states: readonly string[];
  }): boolean {
    this.#states = new Map(pairs(news.states));
    for (const [owner, when] of pairs(news.fences)) {
      this.#fences.set(owner, when);
      this.#lastFence = when;
      const [oldest = ""] = this.#fences.keys();
      if (this.#fences.size > mostFences) this.#fences.delete(oldest);
    }
    const missing = news.count - this.#known;
    if (this.#known < 0 || missing < 0 || missing > mostChanges || news.changes.length < missing)
      return false;
    for (const [, fields] of news.changes.toReversed()) this.#change(new Map(pairs(fields)));
    this.#known = news.count;
    this.#isStale = false;
    return true;
  }

  #change(fields: ReadonlyMap<string, string>): void {
    const [id = "", data = ""] = [fields.get("id"), fields.get("data")];
    const isMessage = fields.get("kind") === "message";
    if (data === "") (isMessage ? this.#messages : this.#sessions).delete(id);
    else if (isMessage) this.#messages.set(id, parseMessage(id, data));
    else if (hasEnded(data)) this.#end(id, data);
    else this.#sessions.set(id, data);
    const [oldest = ""] = this.#messages.keys();
    if (this.#messages.size > mostMessages) this.#messages.delete(oldest);
  }

  #end(id: string, data: string): void {
    const at = performance.now();
    this.#sessions.delete(id);
    this.#ended.set(id, { data, at });
    for (const [oldest, { at: endedAt }] of this.#ended) {
      if (this.#ended.size <= mostEnded && at - endedAt <= endKeptMs) return;
      this.#ended.delete(oldest);
    }
  }

  /** Replaces all live sessions. `live`: ids and data in turn. */
  snapshot(count: number, live: readonly string[], messages: readonly string[]): void {
    this.#sessions.clear();
    for (const [id, data] of pairs(live)) this.#sessions.set(id, data);
    this.#messages.clear();
    for (const [id, data] of pairs(messages)) this.#messages.set(id, parseMessage(id, data));
    this.#known = count;
    this.#isStale = false;
  }

  /**
   * Yields arguments for the script `restore`, batch by batch, without the nodes and sessions of owners for which
   * `isOwn` is true. Afterwards a snapshot is to be taken.
   */
  *restored(isOwn: (owner: string) => boolean): Generator<readonly (string | number)[]> {
    const nodes = [...this.#states].filter(([owner]) => !isOwn(owner));
    const sessions = [...(this.#isStale ? [] : this.#sessions)]
      .map(([id, data]) => ({ id, ...parseData(data) }))
      .filter(({ header: [owner] }) => !isOwn(owner));
    const ended = [...this.#ended]
      .map(([id, { data }]) => ({ id, ...parseData(data) }))
      .filter(({ header: [owner] }) => !isOwn(owner));
    const messages = [...this.#messages.values()];
    const first = [nodes.length, ...nodes.flat(), this.#fences.size, ...[...this.#fences].flat()];
    for (
      let at = 0;
      at === 0 || at < Math.max(sessions.length, messages.length, ended.length);
      at += mostAtOnce
    ) {
      const theirs = sessions
        .slice(at, at + mostAtOnce)
        .map(({ id, header: [owner, call], claim }) => [id, owner, call, claim]);
      const waiting = messages
        .slice(at, at + mostAtOnce)
        .map(({ sessionId, since, body }) => [sessionId, since, body]);
      const over = ended
        .slice(at, at + mostAtOnce)
        .map(({ id, header: [owner, call, reason = "", endedAt = ""], claim }) => {
          return [id, owner, call, claim, reason, endedAt, ""];
        });
      const lists = [theirs, waiting, over].flatMap((list) => [list.length, ...list.flat()]);
      yield [...(at === 0 ? first : [0, 0]), ...lists];
    }
    this.#known = -1;
    this.#lastFence = "0";
  }

  /**
   * Notes that this process stood still: its knowledge of other nodes' sessions is older than what those have told
   * meanwhile.
   */
  stoodStill(): void {
    this.#isStale = true;
  }

  takeIn(session: EntrustedSession): void {
    this.#entrusted.set(session.claim.sessionId, session);
    const [oldest = ""] = this.#entrusted.keys();
    if (this.#entrusted.size > mostEntrusted) this.#entrusted.delete(oldest);
  }

  /**
   * Notes that a heartbeat got through after the entrusted sessions were written. Their ends are remembered here, since a snapshot
   * holds none.
   */
  settleEntrusted(): void {
    for (const [id, session] of this.#unsettled) {
      const { end } = session;
      if (end && end !== "withdrawn" && !this.#ended.has(id)) this.#end(id, endedData(session, end));
    }
    this.#unsettled.clear();
  }

  /** Has the entrusted sessions written once more that were written, where no heartbeat got through since: Redis may be empty again. */
  unsettleEntrusted(): void {
    for (const [id, session] of this.#unsettled)
      if (!this.#entrusted.has(id)) this.#entrusted.set(id, session);
    this.#unsettled.clear();
  }

  /**
   * Takes some sessions that others have entrusted, and returns arguments for the script `restore`; null where there
   * are none.
   */
  entrusted(): { readonly args: readonly (string | number)[]; written(): void } | null {
    const some = [...this.#entrusted.values().take(mostAtOnce)];
    if (some.length === 0) return null;
    const nodes = new Map<string, string>();
    for (const { owner } of some) {
      const state: NodeJson = { address: owner.address, capacity: 0, free: 0, accepting: false };
      nodes.set(ownerOf(owner.nodeId, owner.epoch), JSON.stringify(state));
    }
    const recordOf = ({ claim, owner }: EntrustedSession) => [
      claim.sessionId,
      ownerOf(owner.nodeId, owner.epoch),
      callOf(claim),
      JSON.stringify(claim),
    ];
    const live = some.filter(({ end }) => end === null).map(recordOf);
    const ended = some.flatMap((session) => {
      const { end, body } = session;
      if (end === null || end === "withdrawn") return [];
      return [[...recordOf(session), end.reason, end.endedAt, body ?? ""]];
    });
    const args = [
      nodes.size,
      ...[...nodes].flat(),
      0,
      live.length,
      ...live.flat(),
      0,
      ended.length,
      ...ended.flat(),
    ];
    const written = () => {
      for (const session of some) {
        const { sessionId } = session.claim;
        if (this.#entrusted.get(sessionId) === session) this.#entrusted.delete(sessionId);
        this.#unsettled.set(sessionId, session);
      }
    };
    return { args, written };
  }
}

/** Returns the data of an ended session, as Redis keeps it. */
function endedData({ claim, owner }: EntrustedSession, { reason, endedAt }: SessionEnd): string {
  const header = [ownerOf(owner.nodeId, owner.epoch), callOf(claim), reason, String(endedAt)];
  return `${JSON.stringify(header)}\n${JSON.stringify(claim)}`;
}

function hasEnded(data: string): boolean {
  return parseData(data).header.length > 2;
}
