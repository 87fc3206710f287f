import { GreenroomError } from "../../errors.ts";
import { CallCounts } from "../call-counts.ts";
import { endKeptMs, KeptEnds } from "../kept-ends.ts";
import { LocalKeys } from "../local-keys.ts";
import {
  type FoundSession,
  type NodeInfo,
  type OnceKey,
  type OnceResult,
  type PeerNode,
  type RegistryHooks,
  type RegistryLimits,
  RoomSoon,
  type SessionClaim,
  type SessionEnd,
  type SessionRecord,
  type SessionRegistry,
} from "../registry.ts";
import { clientFactory } from "./client.ts";
import { RedisLink } from "./link.ts";
import type { FilledRedisRegistryOptions } from "./options.ts";
import { Outbox, releasedArguments } from "./outbox.ts";
import { type OwnSession, ownSession, parseFound } from "./records.ts";
import * as scripts from "./scripts.ts";
import { SharedKeys } from "./shared-keys.ts";

/** How soon ends are written where they make room for others to start, in milliseconds. */
const releaseDelayMs = 50;
/** Most ends that a claim takes along. */
const mostTakenAlong = 50;

type Found = readonly (string | null)[];

/** The registry of a fleet, in Redis. Its cost is by process and second, not by session: see {@link RedisLink}. */
export class RedisRegistry implements SessionRegistry {
  readonly shared = true;
  readonly #redis: FilledRedisRegistryOptions;
  readonly #own = new Map<string, OwnSession>();
  readonly #calls = new CallCounts();
  readonly #ends = new KeptEnds();
  readonly #keys = new LocalKeys();
  readonly #outbox = new Outbox();
  #maxSessionsPerCall: number | null = null;
  #nodeId = "";
  #link: RedisLink | null = null;
  #sharedKeys: SharedKeys | null = null;
  #releasing: NodeJS.Timeout | undefined;

  constructor(redis: FilledRedisRegistryOptions) {
    this.#redis = redis;
  }

  get up(): boolean {
    return this.#link?.up ?? false;
  }

  get epoch(): number {
    return this.#link?.epoch ?? 0;
  }

  async open(node: NodeInfo, limits: RegistryLimits, hooks: RegistryHooks): Promise<void> {
    this.#nodeId = node.nodeId;
    this.#maxSessionsPerCall = limits.maxSessionsPerCall;
    this.#link = new RedisLink({
      redis: this.#redis,
      makeClient: await clientFactory(this.#redis),
      node,
      outbox: this.#outbox,
      hooks: {
        ...hooks,
        back: (awayMs) => {
          void this.#sharedKeys?.settleAgain();
          hooks.back(awayMs);
        },
      },
      forgotten: () => this.#writeAll(),
      recovered: (sessionIds) => {
        for (const id of sessionIds) {
          const session = this.#own.get(id);
          if (session) session.recoveries += 1;
        }
        hooks.recovered(sessionIds.length);
      },
    });
    this.#sharedKeys = new SharedKeys(this.#link);
    await this.#link.opened();
  }

  async claim(claim: SessionClaim): Promise<void> {
    const session = ownSession(claim);
    this.#own.set(claim.sessionId, session);
    this.#calls.add(session.call);
    const asked = this.up;
    let uncertain = false;
    try {
      const judged = asked && (await this.#judge(session));
      uncertain = asked && !judged;
      if (!judged) this.#judgeAlone(session);
    } catch (error) {
      this.#remove(claim.sessionId);
      // Redis may have admitted it all the same, or may still.
      if (uncertain) this.#outbox.release(session, null, endKeptMs);
      throw error;
    }
    session.admitted = true;
    // It ended meanwhile, and Redis may have heard of that first.
    if (this.#own.get(claim.sessionId) !== session) {
      this.#outbox.release(session, this.#ends.get(claim.sessionId)?.end ?? null, endKeptMs);
    }
  }

  /** Told at once, since the next start may come with the answer to a close. Where it is not heard, that start is refused. */
  leaving(sessionId: string): void {
    const session = this.#own.get(sessionId);
    if (!session || !this.#limited || !this.up) return;
    void this.#linked.runAsOwner(scripts.leaving, [sessionId, session.call]).catch(() => undefined);
  }

  release(sessionId: string, end: SessionEnd | null): void {
    const session = this.#remove(sessionId);
    if (!session) return;
    if (end) this.#ends.add(this.#record(session, end));
    this.#outbox.release(session, end, endKeptMs);
    if (!this.#limited || this.#releasing || !this.up) return;
    this.#releasing = setTimeout(() => {
      this.#releasing = undefined;
      void this.#link?.tellNow();
    }, releaseDelayMs).unref();
  }

  async find(sessionId: string): Promise<FoundSession | null> {
    const session = this.#own.get(sessionId);
    const own = session ? this.#record(session, null) : this.#ends.get(sessionId);
    if (own) return { ...own, owner: null };
    if (this.#outbox.releases(sessionId)) return null;
    try {
      const [data = null, state = null] = (await this.#linked.run(scripts.find, [sessionId])) as Found;
      if (data === null) return null;
      const found = parseFound(data, state);
      return found.nodeId === this.#nodeId ? { ...found, owner: null } : found;
    } catch (cause) {
      throw new GreenroomError("REGISTRY_UNAVAILABLE", undefined, { cause });
    }
  }

  peers(): readonly PeerNode[] {
    return this.#link?.peers ?? [];
  }

  onceByKey<T>(key: OnceKey, run: () => Promise<T>): Promise<OnceResult<T>> {
    return this.#keys.once(key, () =>
      this.#sharedKeys ? this.#sharedKeys.once(key, run) : Promise.reject(notOpen()),
    );
  }

  async close(): Promise<void> {
    clearTimeout(this.#releasing);
    await this.#link?.close();
  }

  /** Places are counted: who leaves one makes room for somebody. */
  get #limited(): boolean {
    return this.#maxSessionsPerCall !== null || this.#redis.maxConcurrentSessions !== null;
  }

  get #linked(): RedisLink {
    if (!this.#link) throw notOpen();
    return this.#link;
  }

  /** Redis judges. False: its answer did not come. Throws CALL_FULL or FLEET_FULL. */
  async #judge({ claim, call, json }: OwnSession): Promise<boolean> {
    const { released } = this.#outbox.batch(mostTakenAlong);
    const takenAlong = { acknowledged: [], added: [], released };
    const limits = [this.#maxSessionsPerCall ?? 0, this.#redis.maxConcurrentSessions ?? 0];
    const args = [...limits, claim.sessionId, call, json, ...releasedArguments(takenAlong)];
    const reply = await this.#linked.runAsOwner(scripts.claim, args).catch(() => null);
    if (!reply) return false;
    this.#outbox.written(takenAlong);
    const [verdict, , leaving] = reply;
    const Full = leaving === 1 ? RoomSoon : GreenroomError;
    if (verdict === "call_full") throw new Full("CALL_FULL");
    if (verdict === "fleet_full") throw new Full("FLEET_FULL");
    return true;
  }

  /** By what is known here: the sessions of this process. */
  #judgeAlone(session: OwnSession): void {
    if (this.#redis.whileAway === "refuse") throw new GreenroomError("REGISTRY_UNAVAILABLE");
    const mostInCall = this.#maxSessionsPerCall ?? Number.POSITIVE_INFINITY;
    if (this.#calls.in(session.call) > mostInCall) throw new GreenroomError("CALL_FULL");
    const mostOfAll = this.#redis.maxConcurrentSessions ?? Number.POSITIVE_INFINITY;
    if (this.#own.size > mostOfAll) throw new GreenroomError("FLEET_FULL");
    if (this.#own.has(session.claim.sessionId)) this.#outbox.add(session);
  }

  #remove(sessionId: string): OwnSession | undefined {
    const session = this.#own.get(sessionId);
    if (!session) return undefined;
    this.#own.delete(sessionId);
    this.#calls.remove(session.call);
    return session;
  }

  /** Redis may have been emptied: the live sessions, and those that ended within the last 10 minutes. */
  #writeAll(): void {
    for (const session of this.#own.values()) if (session.admitted) this.#outbox.add(session);
    for (const { record, leftMs } of this.#ends.all()) {
      const { nodeId, epoch, end, recoveries, ...claim } = record;
      this.#outbox.release({ ...ownSession(claim), recoveries }, end, leftMs);
    }
  }

  #record({ claim, recoveries }: OwnSession, end: SessionEnd | null): SessionRecord {
    return { ...claim, nodeId: this.#nodeId, epoch: this.epoch, end, recoveries };
  }
}

function notOpen(): GreenroomError {
  return new GreenroomError("REGISTRY_UNAVAILABLE", undefined, { cause: new Error("It is not open") });
}
