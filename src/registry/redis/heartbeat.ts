import type { NodeInfo, PeerNode, RegistryHooks } from "../registry.ts";
import type { Connection } from "./connection.ts";
import type { FilledRedisRegistryOptions } from "./options.ts";
import { addedArguments, type Outbox, releasedArguments } from "./outbox.ts";
import { type NodeJson, ownerOf, pairs, parseOwner, parsePeers, parseRecord } from "./records.ts";
import type { RedisClock } from "./redis-clock.ts";
import * as scripts from "./scripts.ts";

/** Most lost sessions that one heartbeat takes over from the dead. */
const mostReaped = 100;

export interface HeartbeatOptions {
  readonly connection: Connection;
  readonly clock: RedisClock;
  readonly outbox: Outbox;
  readonly node: NodeInfo;
  readonly hooks: Pick<RegistryHooks, "state" | "lost" | "namesake">;
  readonly redis: FilledRedisRegistryOptions;
  /** The node was registered anew, since Redis knew it no more: all that it has is to be written. */
  readonly forgotten: () => void;
  /** These sessions of this process had been declared lost, and are live again. */
  readonly recovered: (sessionIds: readonly string[]) => void;
}

type BeatReply = readonly [
  /** Where it is late or unknown, only the time follows. */
  status: "ok" | "late" | "unknown",
  time: string,
  recovered: readonly string[],
  more: number,
  told: readonly string[],
  peers: readonly string[],
];

/** A gap between heartbeats for which Redis may have prolonged the leases, in milliseconds: see the script `beat`. */
const lateAfterMs = 1_500;

/**
 * What is told to Redis every second, in one command: that this process lives, how much room it has, what has begun and
 * ended. And what is learnt: its peers, and the sessions of those that died.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #epoch = 0;
  #registered = false;
  #peers: readonly PeerNode[] = [];
  /** Earlier lives of this very process. */
  readonly #past = new Set<number>();
  /** Lives of this node's name that are not this one: since when they are seen; null once they were told of. */
  readonly #namesakes = new Map<number, number | null>();
  /** When they were looked for last. */
  #looked = performance.now();

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** This life of this node, as sessions are owned by it. */
  get owner(): string {
    return ownerOf(this.#options.node.nodeId, this.#epoch);
  }

  get peers(): readonly PeerNode[] {
    return this.#peers;
  }

  /** Redis said that it does not know this life of the node: it was held to be dead, or everything is gone. */
  lapsed(owner: string): void {
    if (owner === this.owner) this.#registered = false;
  }

  /** Until all is written and the dead are reaped, batch by batch. Rejects where Redis does not answer in time. */
  async beat(): Promise<void> {
    let more = true;
    while (more) {
      if (!this.#registered) await this.#register();
      more = await this.#beatOnce();
    }
  }

  async #register(): Promise<void> {
    const { connection, clock, node, redis, forgotten } = this.#options;
    const sentAt = performance.now();
    const args = [node.nodeId, this.#epoch, redis.leaseMs, this.#state()];
    const reply = await connection.run(scripts.register, args, redis.commandTimeoutMs);
    const [epoch, time] = reply as [string, string];
    clock.set(Number(time), sentAt);
    const anew = this.#epoch > 0;
    this.#past.add(this.#epoch);
    this.#epoch = Number(epoch);
    this.#registered = true;
    if (anew) forgotten();
  }

  /** True: there is more to do. */
  async #beatOnce(): Promise<boolean> {
    const { connection, clock, outbox, redis, hooks } = this.#options;
    const batch = outbox.batch();
    const sentAt = performance.now();
    const args = [
      clock.in(redis.commandTimeoutMs),
      this.owner,
      redis.leaseMs,
      this.#state(),
      mostReaped,
      batch.acknowledged.length,
      ...batch.acknowledged,
      ...addedArguments(batch),
      ...releasedArguments(batch),
    ];
    const reply = (await connection.run(scripts.beat, args, redis.commandTimeoutMs)) as BeatReply;
    const [status, time, recovered, moreDead, told, peers] = reply;
    clock.set(Number(time), sentAt);
    if (status === "late") throw new Error("Redis took a heartbeat too late");
    if (status === "unknown") {
      this.#registered = false;
      return true;
    }
    const moreToWrite = outbox.written(batch);
    this.#peers = parsePeers(peers).filter(({ nodeId }) => nodeId !== this.#options.node.nodeId);
    this.#lookForNamesakes(peers);
    if (recovered.length > 0) this.#options.recovered(recovered);
    for (const [sessionId, data] of pairs(told)) {
      if (outbox.acknowledge(sessionId)) hooks.lost(parseRecord(data));
    }
    return moreDead === 1 || moreToWrite;
  }

  /**
   * A later life of this node, while this one lives, is another process of its name. An earlier one may be what this process
   * was before it was started anew, until its lease is over.
   */
  #lookForNamesakes(peers: readonly string[]): void {
    const { node, redis, hooks } = this.#options;
    const at = performance.now();
    if (at - this.#looked > lateAfterMs) {
      // Redis prolonged all leases, since nobody could tell it of themselves.
      for (const [epoch, since] of this.#namesakes) if (since !== null) this.#namesakes.set(epoch, at);
    }
    this.#looked = at;
    const epochs = pairs(peers)
      .map(([owner]) => parseOwner(owner))
      .filter(({ nodeId, epoch }) => nodeId === node.nodeId && !this.#past.has(epoch))
      .map(({ epoch }) => epoch);
    for (const known of this.#namesakes.keys()) if (!epochs.includes(known)) this.#namesakes.delete(known);
    for (const epoch of epochs) {
      const since = this.#namesakes.get(epoch) ?? at;
      if (this.#namesakes.get(epoch) === null) continue;
      const isSure = epoch > this.#epoch || at - since > redis.leaseMs;
      this.#namesakes.set(epoch, isSure ? null : since);
      if (isSure) hooks.namesake(epoch);
    }
  }

  #state(): string {
    const { node, hooks } = this.#options;
    return JSON.stringify({ ...hooks.state(), address: node.address } satisfies NodeJson);
  }
}
