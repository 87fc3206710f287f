import { GreenroomError } from "../errors.ts";
import { CallCounts, callOf } from "./call-counts.ts";
import { KeptEnds } from "./kept-ends.ts";
import { LocalKeys } from "./local-keys.ts";
import type {
  FoundSession,
  NodeInfo,
  OnceKey,
  OnceResult,
  PeerNode,
  RegistryLimits,
  SessionClaim,
  SessionEnd,
  SessionRecord,
  SessionRegistry,
} from "./registry.ts";

/** The registry of a process that has no others: it knows its own sessions, and answers in the same tick. */
export class MemoryRegistry implements SessionRegistry {
  readonly shared = false;
  readonly up = true;
  readonly epoch = 1;
  readonly #live = new Map<string, SessionClaim>();
  readonly #calls = new CallCounts();
  readonly #ends = new KeptEnds();
  readonly #keys = new LocalKeys();
  #nodeId = "";
  #maxSessionsPerCall: number | null = null;

  open(node: NodeInfo, limits: RegistryLimits): Promise<void> {
    this.#nodeId = node.nodeId;
    this.#maxSessionsPerCall = limits.maxSessionsPerCall;
    return Promise.resolve();
  }

  /** Counted in the tick that decides, so that no two sessions take the last place. */
  claim(claim: SessionClaim): Promise<void> {
    const call = callOf(claim);
    if (this.#maxSessionsPerCall !== null && this.#calls.in(call) >= this.#maxSessionsPerCall) {
      return Promise.reject(new GreenroomError("CALL_FULL"));
    }
    this.#calls.add(call);
    this.#live.set(claim.sessionId, claim);
    return Promise.resolve();
  }

  /** There is nobody else to be told. */
  leaving(): void {}

  release(sessionId: string, end: SessionEnd | null): void {
    const claim = this.#live.get(sessionId);
    if (!claim) return;
    this.#live.delete(sessionId);
    this.#calls.remove(callOf(claim));
    if (end) this.#ends.add(this.#record(claim, end));
  }

  find(sessionId: string): Promise<FoundSession | null> {
    const claim = this.#live.get(sessionId);
    const record = claim ? this.#record(claim, null) : this.#ends.get(sessionId);
    return Promise.resolve(record && { ...record, owner: null });
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

  #record(claim: SessionClaim, end: SessionEnd | null): SessionRecord {
    return { ...claim, nodeId: this.#nodeId, epoch: 1, end, recoveries: 0 };
  }
}
