import { setTimeout as sleep } from "node:timers/promises";
import { within } from "../../shared/deadline.ts";
import { GreenroomError } from "../../shared/errors.ts";
import { endKeptMs } from "../kept-ends.ts";
import { LocalKeys } from "../local-keys.ts";
import type {
  EndOutcome,
  EntrustedSession,
  FoundSession,
  NodeInfo,
  OnceKey,
  OnceResult,
  PeerNode,
  RegistryHooks,
  RegistryLimits,
  SessionClaim,
  SessionEnd,
  SessionRecord,
  SessionRegistry,
  Successions,
  WaitingMessages,
} from "../registry.ts";
import { clientFactory } from "./connection/client.ts";
import { RedisLink } from "./connection/link.ts";
import { type FilledRedisRegistryOptions, heartbeatMs } from "./options.ts";
import * as scripts from "./scripts/claim.ts";
import { Admissions } from "./sessions/admissions.ts";
import { Corrections } from "./sessions/corrections.ts";
import { Ends } from "./sessions/ends.ts";
import { Entrusting } from "./sessions/entrusting.ts";
import { Outbox } from "./sessions/outbox.ts";
import { OwnSessions } from "./sessions/own-sessions.ts";
import { type OwnSession, ownerOf, ownSession, parseFound } from "./sessions/records.ts";
import { SharedKeys } from "./shared-keys.ts";
import { Succession } from "./succession/succession.ts";

/**
 * The delay after which ends are written, in milliseconds: they are told after that, and make room for others to start.
 */
const endDelayMs = 50;

/** The time that a heartbeat of another node may be late, in milliseconds. */
const learnMarginMs = 300;

type Found = readonly (string | null)[];

/** The registry of a fleet, in Redis. Its cost is by process and second, not by session: see {@link RedisLink}. */
export class RedisRegistry implements SessionRegistry {
  readonly shared = true;
  readonly keepsMessages = true;
  readonly #redis: FilledRedisRegistryOptions;
  readonly #own = new OwnSessions();
  readonly #keys = new LocalKeys();
  readonly #outbox = new Outbox();
  readonly #corrections = new Corrections({
    own: this.#own,
    link: () => this.#linked,
    ends: (sessionId) => this.#outbox.ends(sessionId),
    writeAll: () => this.#writeAll(),
    neverWas: (session) => this.#neverWas(session),
  });
  #ends: Ends | null = null;
  #entrusting: Entrusting | null = null;
  #hooks: RegistryHooks | null = null;
  #admissions: Admissions | null = null;
  #node: NodeInfo = { nodeId: "", address: null };
  #link: RedisLink | null = null;
  #sharedKeys: SharedKeys | null = null;
  #succession: Succession | null = null;
  #writing: NodeJS.Timeout | undefined;

  constructor(redis: FilledRedisRegistryOptions) {
    this.#redis = redis;
  }

  get up(): boolean {
    return this.#link?.up ?? false;
  }

  get successions(): Successions | null {
    return this.#succession;
  }

  get epoch(): number {
    return this.#link?.epoch ?? 0;
  }

  get waiting(): WaitingMessages {
    const known = this.#link?.waiting ?? { count: 0, oldestSince: null };
    return this.#ends?.waiting(known) ?? known;
  }

  async open(node: NodeInfo, { maxSessionsPerCall }: RegistryLimits, hooks: RegistryHooks): Promise<void> {
    this.#node = node;
    this.#hooks = hooks;
    const ends = new Ends(this.#outbox, hooks);
    this.#ends = ends;
    const entrusting = new Entrusting({
      node,
      hooks,
      own: this.#own,
      ends,
      outbox: this.#outbox,
      life: () => ({ epoch: this.epoch, peers: this.peers() }),
      isBehind: () => this.#link?.isBehind ?? false,
    });
    this.#entrusting = entrusting;
    this.#link = new RedisLink({
      redis: this.#redis,
      makeClient: await clientFactory(this.#redis),
      node,
      outbox: this.#outbox,
      hooks: {
        ...hooks,
        away: (trouble) => {
          hooks.away(trouble);
          entrusting.all();
        },
        back: (awayMs) => {
          void this.#sharedKeys?.settleAgain();
          hooks.back(awayMs);
        },
      },
      events: {
        forgotten: () => {
          this.#writeAll();
          this.#succession?.writeAgain();
          void this.#sharedKeys?.writeAgain();
        },
        written: () => this.#own.written(),
        fenced: (sessionIds) => {
          this.#lose(sessionIds);
          this.#writeAll();
        },
        refused: (sessionIds) => this.#lose(sessionIds),
        counted: (sessions) => this.#corrections.compare(sessions),
        lost: (record) => ends.report(record),
        taken: (message) => ends.deliver(message),
        beaten: (orphans) => this.#succession?.beaten(orphans),
      },
    });
    const [redis, link, own, outbox] = [this.#redis, this.#link, this.#own, this.#outbox];
    const neverWas = (session: OwnSession) => this.#neverWas(session);
    this.#admissions = new Admissions({ redis, maxSessionsPerCall, link, own, outbox, neverWas });
    this.#sharedKeys = new SharedKeys(this.#link);
    this.#succession = new Succession({
      link,
      own,
      hooks,
      stateKey: redis.stateKey,
      hasEnded: (sessionId) => outbox.ends(sessionId) || ends.get(sessionId) !== null,
      forget: (sessionId) => this.#forget(sessionId),
    });
    await this.#link.opened();
  }

  async claim(claim: SessionClaim): Promise<void> {
    if (!this.#admissions) throw notOpen();
    const session = ownSession(claim);
    await this.#admissions.admit(session);
    // A peer reports the session as lost where this process ends unexpectedly, so the peer has to know the session.
    if (!session.written) session.written = (await this.#entrusting?.session(session, null, null)) ?? false;
    session.admitted = true;
    // The session was withdrawn meanwhile, and Redis may have received that first.
    const isGone = this.#own.get(claim.sessionId) !== session;
    if (isGone && !this.#ends?.get(claim.sessionId)) this.#neverWas(session);
  }

  /**
   * Tells Redis at once, since the next start may come with the answer to a close. That start is refused where this
   * fails.
   */
  leaving(sessionId: string): void {
    const session = this.#own.get(sessionId);
    if (!session || !this.#admissions?.limited || !this.up) return;
    void this.#linked.runAsOwner(scripts.leaving, [sessionId, session.call]).catch(() => undefined);
  }

  end(sessionId: string, end: SessionEnd, body: string | null): Promise<EndOutcome> {
    const session = this.#own.remove(sessionId);
    this.#succession?.ended(sessionId);
    // The session was reported as lost, or goes on in another process.
    if (!session || !this.#ends) return Promise.resolve("superseded");
    const outcome = this.#ends.write(session, this.#record(session, end), body);
    if (!this.up) void this.#entrusting?.end(session, end, body);
    this.#writeSoon();
    return outcome;
  }

  async withdraw(sessionId: string): Promise<void> {
    const session = this.#own.remove(sessionId);
    if (!session) return;
    this.#neverWas(session);
    if (!this.up) return void (await this.#entrusting?.session(session, "withdrawn", null));
    await within(this.#linked.tellNow(), this.#redis.commandTimeoutMs, "To withdraw a session").catch(
      () => undefined,
    );
  }

  told(sessionId: string): void {
    this.#ends?.told(sessionId);
  }

  async find(sessionId: string): Promise<FoundSession | null> {
    const session = this.#own.get(sessionId);
    const own = session ? this.#record(session, null) : (this.#ends?.get(sessionId) ?? null);
    if (own) return { ...own, owner: null };
    if (this.#outbox.ends(sessionId)) return null;
    try {
      const [data = null, state = null] = (await this.#linked.run(scripts.find, [sessionId])) as Found;
      if (data === null) return null;
      const found = parseFound(data, state);
      return found.nodeId === this.#node.nodeId ? { ...found, owner: null } : found;
    } catch (cause) {
      throw new GreenroomError("REGISTRY_UNAVAILABLE", undefined, { cause });
    }
  }

  takeIn(session: EntrustedSession): void {
    this.#link?.takeIn(session);
  }

  isDeclaredDead(nodeId: string, epoch: number): boolean {
    return this.#link?.isDeclaredDead(ownerOf(nodeId, epoch)) ?? false;
  }

  async current(): Promise<void> {
    await this.#link?.current();
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
    clearTimeout(this.#writing);
    await this.#letOthersLearn();
    await this.#link?.close();
    this.#ends?.giveUp();
  }

  /**
   * Waits until the other nodes have had a heartbeat since the last end was written. Where Redis is emptied before that,
   * nobody but this process could write the end again.
   */
  async #letOthersLearn(): Promise<void> {
    const leftMs = heartbeatMs + learnMarginMs - (this.#ends?.sinceWrittenMs ?? Number.POSITIVE_INFINITY);
    if (this.up && this.peers().length > 0 && leftMs > 0) await sleep(leftMs);
  }

  get #linked(): RedisLink {
    if (!this.#link) throw notOpen();
    return this.#link;
  }

  #neverWas(session: OwnSession): void {
    this.#outbox.end({ session, end: null, keptMs: endKeptMs, body: null });
  }

  #writeSoon(): void {
    if (this.#writing || !this.up) return;
    this.#writing = setTimeout(() => {
      this.#writing = undefined;
      void this.#link?.tellNow();
    }, endDelayMs).unref();
  }

  /** Writes the live sessions, the ends of the last 10 minutes, and the messages, since Redis may have been emptied. */
  #writeAll(): void {
    for (const session of this.#own.all()) if (session.admitted) this.#outbox.add(session);
    this.#ends?.writeAgain();
  }

  #forget(sessionId: string): void {
    this.#own.remove(sessionId);
    this.#outbox.forget(sessionId);
  }

  /** Ends sessions at once that were reported as lost, or go on in another process. */
  #lose(sessionIds: readonly string[]): void {
    const lost = sessionIds.filter((sessionId) => this.#own.has(sessionId));
    for (const sessionId of lost) this.#forget(sessionId);
    if (lost.length > 0) this.#hooks?.fenced(lost);
  }

  #record({ claim }: OwnSession, end: SessionEnd | null): SessionRecord {
    return { ...claim, nodeId: this.#node.nodeId, epoch: this.epoch, end };
  }
}

function notOpen(): GreenroomError {
  return new GreenroomError("REGISTRY_UNAVAILABLE", undefined, { cause: new Error("It is not open") });
}
