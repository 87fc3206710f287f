import { GreenroomError } from "../shared/errors.ts";
import { now } from "../shared/protocol.ts";
import { CallCounts, callOf } from "./call-counts.ts";
import type { Journal } from "./journal/journal.ts";
import { KeptEnds } from "./kept-ends.ts";
import { LocalKeys } from "./local-keys.ts";
import type {
  EndOutcome,
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
  WaitingMessages,
} from "./registry.ts";

/**
 * The registry of a process that has no others: it knows its own sessions. Without a journal it answers in the same tick, and all
 * that it knows ends with the process; with one, starts and ends count once they are written.
 */
export class MemoryRegistry implements SessionRegistry {
  readonly shared = false;
  readonly successions = null;
  readonly #journal: Journal | null;
  readonly #live = new Map<string, SessionClaim>();
  readonly #calls = new CallCounts();
  readonly #ends = new KeptEnds();
  readonly #keys = new LocalKeys();
  /** The time at which the session of each undelivered message ended, in epoch milliseconds, the oldest first. */
  readonly #waiting = new Map<string, number>();
  #hooks: RegistryHooks | null = null;
  #epoch = 1;
  #nodeId = "";
  #maxSessionsPerCall: number | null = null;

  constructor(journal: Journal | null = null) {
    this.#journal = journal;
  }

  get up(): boolean {
    return this.#journal?.up ?? true;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get keepsMessages(): boolean {
    return this.#journal !== null;
  }

  async open(node: NodeInfo, limits: RegistryLimits, hooks: RegistryHooks): Promise<void> {
    this.#hooks = hooks;
    this.#nodeId = node.nodeId;
    this.#maxSessionsPerCall = limits.maxSessionsPerCall;
    if (!this.#journal) return;
    const { epoch, ended, live, untold, lastAliveAt } = await this.#journal.open(hooks);
    this.#epoch = epoch;
    for (const record of ended) this.#ends.add(record, record.end?.endedAt);
    for (const { sessionId, since } of untold) this.#waiting.set(sessionId, since);
    for (const record of live) this.#lose(record, lastAliveAt);
  }

  /** Registers a session. It is counted in the tick that decides, so that no two sessions take the last place. */
  async claim(claim: SessionClaim): Promise<void> {
    const call = callOf(claim);
    if (this.#maxSessionsPerCall !== null && this.#calls.in(call) >= this.#maxSessionsPerCall) {
      throw new GreenroomError("CALL_FULL");
    }
    this.#calls.add(call);
    this.#live.set(claim.sessionId, claim);
    try {
      await this.#journal?.claim(this.#record(claim, null));
    } catch (error) {
      this.#remove(claim.sessionId);
      throw error;
    }
  }

  /** Does nothing, since there is no other process to be told. */
  leaving(): void {}

  end(sessionId: string, end: SessionEnd, body: string | null): Promise<EndOutcome> {
    const claim = this.#remove(sessionId);
    const record = claim ? this.#record(claim, end) : null;
    // The first end of a session counts.
    if (!record && this.#journal) return Promise.resolve("superseded");
    if (record) this.#ends.add(record);
    if (body !== null) this.#waiting.set(sessionId, end.endedAt);
    if (record && this.#journal) return this.#journal.end(record, body);
    if (body !== null) this.#hooks?.deliver({ sessionId, since: end.endedAt, body });
    return Promise.resolve("final");
  }

  async withdraw(sessionId: string): Promise<void> {
    if (this.#remove(sessionId)) this.#journal?.withdraw(sessionId);
  }

  told(sessionId: string): void {
    this.#waiting.delete(sessionId);
    this.#journal?.told(sessionId);
  }

  get waiting(): WaitingMessages {
    const [oldestSince = null] = this.#waiting.values();
    return { count: this.#waiting.size, oldestSince };
  }

  find(sessionId: string): Promise<FoundSession | null> {
    const claim = this.#live.get(sessionId);
    const record = claim ? this.#record(claim, null) : this.#ends.get(sessionId);
    return Promise.resolve(record && { ...record, owner: null });
  }

  /** Does nothing, since there is no other process to hand over a session. */
  takeIn(): void {}

  isDeclaredDead(): boolean {
    return false;
  }

  current(): Promise<void> {
    return Promise.resolve();
  }

  peers(): readonly PeerNode[] {
    return [];
  }

  onceByKey<T>(key: OnceKey, run: () => Promise<T>): Promise<OnceResult<T>> {
    return this.#keys.once(key, async () => ({ answer: await run(), replayed: false }));
  }

  async close(): Promise<void> {
    await this.#journal?.close();
  }

  /**
   * Reports as lost a session that was live when the process before this one ended. `lastAliveAt`: when that was last
   * seen alive.
   */
  #lose(live: SessionRecord, lastAliveAt: number): void {
    const endedAt = Math.min(now(), Math.max(live.startedAt, lastAliveAt));
    const record = { ...live, end: { reason: "lost" as const, endedAt } };
    this.#ends.add(record);
    const body = this.#hooks?.lost(record) ?? null;
    if (body !== null) this.#waiting.set(record.sessionId, endedAt);
    void this.#journal?.end(record, body);
  }

  #remove(sessionId: string): SessionClaim | undefined {
    const claim = this.#live.get(sessionId);
    if (!claim) return undefined;
    this.#live.delete(sessionId);
    this.#calls.remove(callOf(claim));
    return claim;
  }

  #record(claim: SessionClaim, end: SessionEnd | null): SessionRecord {
    return { ...claim, nodeId: this.#nodeId, epoch: this.epoch, end };
  }
}
