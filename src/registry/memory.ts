import { GreenroomError } from "../errors.ts";
import { CallCounts, callOf } from "./call-counts.ts";
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

/** The registry of a process that has no others: it knows its own sessions, and answers in the same tick. */
export class MemoryRegistry implements SessionRegistry {
  readonly shared = false;
  readonly up = true;
  readonly epoch = 1;
  readonly keepsMessages = false;
  readonly #live = new Map<string, SessionClaim>();
  readonly #calls = new CallCounts();
  readonly #ends = new KeptEnds();
  readonly #keys = new LocalKeys();
  /**
   * The time at which the session of each message that is not told yet ended, in epoch milliseconds, the oldest first.
   */
  readonly #waiting = new Map<string, number>();
  #hooks: Pick<RegistryHooks, "deliver"> | null = null;
  #nodeId = "";
  #maxSessionsPerCall: number | null = null;

  open(node: NodeInfo, limits: RegistryLimits, hooks: RegistryHooks): Promise<void> {
    this.#hooks = hooks;
    this.#nodeId = node.nodeId;
    this.#maxSessionsPerCall = limits.maxSessionsPerCall;
    return Promise.resolve();
  }

  /** Registers a session. It is counted in the tick that decides, so that no two sessions take the last place. */
  claim(claim: SessionClaim): Promise<void> {
    const call = callOf(claim);
    if (this.#maxSessionsPerCall !== null && this.#calls.in(call) >= this.#maxSessionsPerCall) {
      return Promise.reject(new GreenroomError("CALL_FULL"));
    }
    this.#calls.add(call);
    this.#live.set(claim.sessionId, claim);
    return Promise.resolve();
  }

  /** Does nothing, since there is no other process to be told. */
  leaving(): void {}

  end(sessionId: string, end: SessionEnd, body: string | null): Promise<EndOutcome> {
    const claim = this.#remove(sessionId);
    if (claim) this.#ends.add(this.#record(claim, end));
    if (body !== null) {
      this.#waiting.set(sessionId, end.endedAt);
      this.#hooks?.deliver({ sessionId, since: end.endedAt, body });
    }
    return Promise.resolve("final");
  }

  withdraw(sessionId: string): Promise<void> {
    this.#remove(sessionId);
    return Promise.resolve();
  }

  told(sessionId: string): void {
    this.#waiting.delete(sessionId);
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

  current(): Promise<void> {
    return Promise.resolve();
  }

  peers(): readonly PeerNode[] {
    return [];
  }

  onceByKey<T>(key: OnceKey, run: () => Promise<T>): Promise<OnceResult<T>> {
    return this.#keys.once(key, async () => ({ answer: await run(), replayed: false }));
  }

  close(): Promise<void> {
    return Promise.resolve();
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
