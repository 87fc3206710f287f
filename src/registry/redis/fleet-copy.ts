import type { EndMessage } from "../registry.ts";
import { pairs, parseData, parseMessage } from "./records.ts";
import { mostChanges } from "./scripts/beat.ts";

/** Most nodes that were declared dead which are remembered; the oldest go first. */
const mostFences = 1_000;
/** Most messages of others that are remembered; the oldest go first. They have 16 KB at the most. */
const mostMessages = 2_000;
/** Most sessions, and most messages, that are written again at once. */
const mostAtOnce = 100;

/** An entry of the stream of changes: its id there, and names and values in turn. */
export type Change = readonly [entry: string, fields: readonly string[]];

/**
 * What all nodes have written, as this one knows it: live sessions, messages that wait, nodes, and who was declared dead. Where
 * Redis is emptied, a node that has died can write nothing again: the others do it.
 */
export class FleetCopy {
  /** How many changes are known; -1: none, and a snapshot is to be taken. */
  #known = -1;
  /** By session, as Redis keeps it. */
  readonly #sessions = new Map<string, string>();
  /** By session. */
  readonly #messages = new Map<string, EndMessage>();
  /** By node#epoch. */
  #states: ReadonlyMap<string, string> = new Map();
  readonly #fences = new Map<string, string>();
  #lastFence = "0";

  get changesKnown(): number {
    return this.#known;
  }

  /** When the last node that is known was declared dead, by Redis' clock. */
  get lastFence(): string {
    return this.#lastFence;
  }

  /** What a heartbeat brought. False: some changes are missing, and a snapshot is to be taken. */
  learn(news: {
    readonly count: number;
    /** The newest first. */
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
    return true;
  }

  #change(fields: ReadonlyMap<string, string>): void {
    const [id = "", data = ""] = [fields.get("id"), fields.get("data")];
    const isMessage = fields.get("kind") === "message";
    if (data === "") (isMessage ? this.#messages : this.#sessions).delete(id);
    else if (isMessage) this.#messages.set(id, parseMessage(id, data));
    else this.#sessions.set(id, data);
    const [oldest = ""] = this.#messages.keys();
    if (this.#messages.size > mostMessages) this.#messages.delete(oldest);
  }

  /** Sessions and data in turn. */
  snapshot(count: number, live: readonly string[]): void {
    this.#sessions.clear();
    for (const [id, data] of pairs(live)) this.#sessions.set(id, data);
    this.#known = count;
  }

  /** Arguments for the script `restore`, batch by batch; what `isOwn` says is left out. Then a snapshot is to be taken. */
  *restored(isOwn: (owner: string) => boolean): Generator<readonly (string | number)[]> {
    const nodes = [...this.#states].filter(([owner]) => !isOwn(owner));
    const sessions = [...this.#sessions]
      .map(([id, data]) => ({ id, ...parseData(data) }))
      .filter(({ header: [owner] }) => !isOwn(owner));
    const messages = [...this.#messages.values()];
    const first = [nodes.length, ...nodes.flat(), this.#fences.size, ...[...this.#fences].flat()];
    for (let at = 0; at === 0 || at < Math.max(sessions.length, messages.length); at += mostAtOnce) {
      const theirs = sessions
        .slice(at, at + mostAtOnce)
        .map(({ id, header: [owner, call], claim }) => [id, owner, call, claim]);
      const waiting = messages
        .slice(at, at + mostAtOnce)
        .map(({ sessionId, since, body }) => [sessionId, since, body]);
      const nodesAndFences = at === 0 ? first : [0, 0];
      yield [...nodesAndFences, theirs.length, ...theirs.flat(), waiting.length, ...waiting.flat()];
    }
    this.#known = -1;
    this.#lastFence = "0";
  }
}
