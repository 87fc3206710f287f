import { randomUUID } from "node:crypto";
import type {
  EndMessage,
  EntrustedSession,
  NodeInfo,
  PeerNode,
  RegistryHooks,
  SessionRecord,
  WaitingMessages,
} from "../registry.ts";
import type { BeatReply } from "./beat-reply.ts";
import type { Connection } from "./connection/connection.ts";
import type { RedisClock } from "./connection/redis-clock.ts";
import { lostOf } from "./fleet/fenced-sessions.ts";
import { FleetCopy, mostMessages } from "./fleet/fleet-copy.ts";
import { Namesakes } from "./fleet/namesakes.ts";
import { OthersFirst } from "./fleet/others-first.ts";
import { Suspects } from "./fleet/suspects.ts";
import type { FilledRedisRegistryOptions } from "./options.ts";
import { beat } from "./scripts/beat.ts";
import { register, restore, sessionsOf, snapshot } from "./scripts/nodes.ts";
import type { Script } from "./scripts/script.ts";
import { batchArguments, type Outbox } from "./sessions/outbox.ts";
import {
  type NodeJson,
  ownerOf,
  pairs,
  parseMessage,
  parseOwner,
  parsePeers,
  parseRecord,
} from "./sessions/records.ts";

/** The most lost sessions that one heartbeat takes over from dead nodes. */
const mostReaped = 100;
/** The most messages that one heartbeat takes over. */
const mostTakenOver = 20;

export interface HeartbeatEvents {
  /** Tells that Redis does not know this node, or was emptied: everything that this node has is to be written. */
  forgotten(): void;
  /** Returns the sessions that Redis has known. */
  written(): readonly string[];
  /** Tells that this node was declared dead: these sessions are lost, or will be; the rest is to be written. */
  fenced(sessionIds: readonly string[]): void;
  /** Tells that these sessions were written as live, but were reported as lost before. */
  refused(sessionIds: readonly string[]): void;
  /** Tells how many live sessions of this node Redis knows, when all was written. */
  counted(sessions: number): void;
  /** Reports that this session's process is dead, and that this process has to report the session. */
  lost(record: SessionRecord): void;
  /** Tells that no process delivered this message any more, and that this process does so from now on. */
  taken(message: EndMessage): void;
  /** Tells that a heartbeat got through, and how many sessions of dead nodes wait for one that takes them up. */
  beaten(orphans: number): void;
}

export interface HeartbeatOptions {
  readonly connection: Connection;
  readonly clock: RedisClock;
  readonly outbox: Outbox;
  readonly node: NodeInfo;
  readonly hooks: RegistryHooks;
  readonly events: HeartbeatEvents;
  readonly redis: FilledRedisRegistryOptions;
  /** Tells that there is more to be done: the next heartbeat need not wait. */
  readonly soon: () => void;
  /** Looks whether this process stood still. */
  readonly look: () => void;
  /** Tells in how many milliseconds the next lease of another node ends, unless it is renewed. */
  readonly leaseEnds: (inMs: number) => void;
}

/**
 * Tells Redis every second, in one command, that this process lives, how much room it has, and what has begun and ended. The answer
 * brings the peers, the sessions of dead processes, and the messages that no process delivers.
 */
export class Heartbeat {
  readonly othersFirst = new OthersFirst((script, args) => this.#run(script, args));
  readonly #options: HeartbeatOptions;
  readonly #fleet = new FleetCopy();
  readonly #namesakes: Namesakes;
  readonly #suspects: Suspects;
  #epoch = 0;
  #registered = false;
  /** The random word of Redis' data, which is another one after Redis was emptied; null before the first heartbeat. */
  #birth: string | null = null;
  /** The time since this node was declared dead, in milliseconds, until its sessions are ended; null where it was not. */
  #fencedMs: number | null = null;
  /** True while Redis was emptied, or has old data, and the knowledge about other nodes is not written again yet. */
  #emptied = false;
  /** The time at which Redis was last found to have old data. */
  #rolledBack = "";
  #peers: readonly PeerNode[] = [];
  #waiting: WaitingMessages = { count: 0, oldestSince: null };

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    const { node, redis, hooks, soon } = options;
    this.#namesakes = new Namesakes({
      node,
      leaseMs: redis.leaseMs,
      found: (epoch) => hooks.namesake(epoch),
    });
    this.#suspects = new Suspects({
      run: (script, args) => this.#run(script, args),
      leaseMs: redis.leaseMs,
      hooks,
      declared: soon,
    });
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Returns the node#epoch of this node's current life, by which sessions are owned. */
  get owner(): string {
    return ownerOf(this.#options.node.nodeId, this.#epoch);
  }

  get peers(): readonly PeerNode[] {
    return this.#peers;
  }

  get waiting(): WaitingMessages {
    return this.#waiting;
  }

  /** Notes that this process stood still, so that its knowledge is old. */
  stoodStill(): void {
    this.#fleet.stoodStill();
  }

  takeIn(session: EntrustedSession): void {
    this.#fleet.takeIn(session);
  }

  isDeclaredDead(owner: string): boolean {
    return this.#fleet.isDeclaredDead(owner);
  }

  /** Resolves with the sessions that Redis holds to be live in this node. */
  async knownSessions(): Promise<readonly string[]> {
    return (await this.#run(sessionsOf, [this.owner])) as string[];
  }

  /** Notes that Redis does not know this life of the node: it was declared dead, or Redis was emptied. */
  lapsed(owner: string): void {
    if (owner === this.owner) this.#registered = false;
  }

  /** Sends heartbeats until all is written and the dead nodes are reaped, batch by batch. Rejects where Redis does not answer in time. */
  async beat(): Promise<void> {
    const { look } = this.#options;
    let more = true;
    while (more) {
      look();
      await this.othersFirst.wait(this.#birth, this.#peers);
      const caughtUp = this.othersFirst.caughtUp();
      if (!this.#registered) await this.#register();
      if (this.#fencedMs !== null) await this.#endFenced(this.#fencedMs);
      if (this.#emptied) await this.#restore();
      await this.#writeEntrusted();
      more = await this.#beatOnce();
      if (!more) caughtUp();
    }
  }

  #run(script: Script, args: readonly (string | number)[]): Promise<unknown> {
    const { connection, redis } = this.#options;
    return connection.run(script, args, redis.commandTimeoutMs);
  }

  async #register(): Promise<void> {
    const { clock, node, redis, events } = this.#options;
    const sentAt = performance.now();
    const args = [node.nodeId, this.#epoch, redis.leaseMs, this.#state(), randomUUID()];
    const reply = await this.#run(register, args);
    const [epoch, time, birth, fencedMs] = reply as [string, string, string, string];
    clock.set(Number(time), sentAt);
    const anew = this.#epoch > 0;
    this.#namesakes.lived(this.#epoch);
    this.#epoch = Number(epoch);
    this.#registered = true;
    this.#born(birth);
    if (anew && Number(fencedMs) >= 0) this.#fencedMs = Number(fencedMs);
    else if (anew) events.forgotten();
  }

  /** Ends the sessions of this node, which was declared dead, as far as they were reported as lost. */
  async #endFenced(fencedMs: number): Promise<void> {
    const { events } = this.#options;
    const lost = await lostOf(events.written(), fencedMs, (script, args) => this.#run(script, args));
    this.#fencedMs = null;
    events.fenced(lost);
  }

  /** Writes the sessions that others could not write. */
  async #writeEntrusted(): Promise<void> {
    const { leaseMs } = this.#options.redis;
    this.#fleet.unsettleEntrusted();
    for (let some = this.#fleet.entrusted(); some; some = this.#fleet.entrusted()) {
      await this.#run(restore, [leaseMs, ...some.args]);
      some.written();
    }
  }

  #born(birth: string): void {
    this.#emptied ||= this.#birth !== null && this.#birth !== birth;
    this.#birth = birth;
  }

  /** Writes what is known of the other nodes before anything else, so that no process finds a Redis that does not know them. */
  async #restore(): Promise<void> {
    const { redis, events, node } = this.#options;
    const isOwn = (owner: string) => {
      const { nodeId, epoch } = parseOwner(owner);
      return nodeId === node.nodeId && (epoch === this.#epoch || this.#namesakes.isOwnPast(epoch));
    };
    for (const args of this.#fleet.restored(isOwn)) await this.#run(restore, [redis.leaseMs, ...args]);
    await this.othersFirst.wrote(node.nodeId);
    this.#emptied = false;
    events.forgotten();
  }

  /** Sends one heartbeat. Resolves with true where there is more to do. */
  async #beatOnce(): Promise<boolean> {
    const { clock, outbox, redis, hooks, events } = this.#options;
    const batch = outbox.batch();
    const sentAt = performance.now();
    const reply = (await this.#run(beat, [
      clock.in(redis.commandTimeoutMs),
      this.owner,
      redis.leaseMs,
      this.#state(),
      mostReaped,
      Math.max(0, Math.min(hooks.room(), mostTakenOver)),
      this.#fleet.changesKnown,
      this.#fleet.lastFence,
      ...batchArguments(batch),
    ])) as BeatReply;
    const [status, time] = reply;
    clock.set(Number(time), sentAt);
    if (status === "late") throw new Error("Redis took a heartbeat too late");
    if (status === "unknown") {
      this.#registered = false;
      return true;
    }
    const [, , refused, superseded, more, untold, peers, suspects, messages, waiting, ...later] = reply;
    const [birth, fences, changeCount, changes, ownSessions, rolledBack, orphans, nextEndMs] = later;
    outbox.written(batch, superseded);
    this.#born(birth);
    if (rolledBack !== "" && rolledBack !== this.#rolledBack) this.#emptied = true;
    this.#rolledBack = rolledBack;
    if (this.#emptied) return true;
    this.#peers = parsePeers(peers).filter(({ nodeId }) => nodeId !== this.#options.node.nodeId);
    this.#namesakes.look(peers, this.#epoch);
    this.#waiting = { count: waiting[0], oldestSince: waiting[1] === "" ? null : Number(waiting[1]) };
    for (const session of batch.live) {
      session.written = true;
      session.writtenAt = performance.now();
    }
    if (refused.length > 0) events.refused(refused);
    if (!batch.cut) events.counted(ownSessions);
    for (const [sessionId, data] of pairs(untold)) {
      if (!outbox.reports(sessionId)) events.lost(parseRecord(data));
    }
    for (const [sessionId, data] of pairs(messages)) events.taken(parseMessage(sessionId, data));
    this.#suspects.judge(suspects, this.#peers);
    const isWhole = this.#fleet.learn({ count: Number(changeCount), changes, fences, states: peers });
    if (!isWhole) await this.#takeSnapshot();
    this.#fleet.settleEntrusted();
    events.beaten(orphans);
    if (nextEndMs !== "") this.#options.leaseEnds(Number(nextEndMs));
    return more === 1 || batch.cut || untold.length > 0;
  }

  async #takeSnapshot(): Promise<void> {
    const reply = await this.#run(snapshot, [mostMessages]);
    const [count, live, messages] = reply as [string, readonly string[], readonly string[]];
    this.#fleet.snapshot(Number(count), live, messages);
  }

  #state(): string {
    const { node, hooks } = this.#options;
    const { address, revision = null } = node;
    return JSON.stringify({ ...hooks.state(), address, revision } satisfies NodeJson);
  }
}
