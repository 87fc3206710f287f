import { GreenroomError } from "../errors.ts";
import type { EndReason, JsonValue } from "../protocol.ts";

/** A process of the fleet. */
export interface NodeInfo {
  readonly nodeId: string;
  /** URL under which its peers reach it; null: they cannot. */
  readonly address: string | null;
}

/** How much room a process has, as of its last heartbeat. */
export interface NodeState {
  /** Sessions that may live in it at the same time. */
  readonly capacity: number;
  /** Sessions that it could still take. */
  readonly free: number;
  /** It accepts starts: it is warm, not draining, not overloaded, and its agent can be had. */
  readonly accepting: boolean;
}

export interface PeerNode extends NodeInfo, NodeState {
  /** Which life of this node it is: see {@link SessionRecord.epoch}. */
  readonly epoch: number;
}

/** A session that wants to begin. Times are epoch milliseconds by the clock of its own process. */
export interface SessionClaim {
  readonly sessionId: string;
  readonly callType: string;
  readonly callId: string;
  readonly createdBy: JsonValue;
  readonly startedAt: number;
}

export interface SessionEnd {
  readonly reason: EndReason;
  readonly endedAt: number;
}

/** What the fleet knows of a session, wherever it is. */
export interface SessionRecord extends SessionClaim {
  readonly nodeId: string;
  /**
   * Grows each time that the node is registered, so that two lives of one node are told apart: a session of an earlier
   * epoch is not in the node that lives now.
   */
  readonly epoch: number;
  /** Null while it lives. Kept for 10 minutes. */
  readonly end: SessionEnd | null;
  /** How often it was held to be lost, and its process came back. */
  readonly recoveries: number;
}

export interface FoundSession extends SessionRecord {
  /** The other process that has it, or had it, and lives: one that has just begun may not be among the peers yet. */
  readonly owner: PeerNode | null;
}

/** What a registry tells its process, and asks it. None of these may throw. */
export interface RegistryHooks {
  /** Asked at each heartbeat. */
  state(): NodeState;
  /** The process of this session died. Told to exactly one process of the fleet. */
  lost(record: SessionRecord): void;
  /** So many sessions of this process had been declared lost, and are live again. */
  recovered(sessions: number): void;
  /** What all processes share is out of reach, and why, as an error whose message is one line. Told again each minute. */
  away(cause: Error): void;
  /** It can be reached again, after so many milliseconds; what happened meanwhile is being written. */
  back(awayMs: number): void;
  /** A command failed or took too long. */
  commandFailed(): void;
  /** Another process that lives has the name of this one. Told once for each such process. */
  namesake(epoch: number): void;
}

/** The first request with a key: who runs it, or whose answer it is. */
export interface OnceResult<T> {
  readonly answer: T;
  /** It is the answer of an earlier request. */
  readonly replayed: boolean;
}

/** A request that is to be run once, however often it comes, and to whichever process. */
export interface OnceKey {
  /** Tells this request from all others: who called, and their key. */
  readonly name: string;
  /** Who called: a hash. The answers that a process keeps for one caller are bounded. */
  readonly caller: string;
  /** A hash of what was asked for. */
  readonly bodyHash: string;
}

/** How many sessions may live; judged where all of them are known. */
export interface RegistryLimits {
  /** In one call. Null: no limit. */
  readonly maxSessionsPerCall: number | null;
}

/** CALL_FULL or FLEET_FULL, while one of the sessions that hold the places is on its way out: there is room soon. */
export class RoomSoon extends GreenroomError {}

/**
 * Knows which process has which session, for all processes of a fleet, and judges the limits that hold for all of them
 * together. The memory one knows a single process.
 */
export interface SessionRegistry {
  /** Other processes take part. */
  readonly shared: boolean;
  /** What is shared can be reached. */
  readonly up: boolean;
  /** Which life of this node it is; 0 before it is registered. See {@link SessionRecord.epoch}. */
  readonly epoch: number;
  /**
   * Takes part from here on. Resolves also where what is shared is out of reach: it is tried again at each heartbeat.
   */
  open(node: NodeInfo, limits: RegistryLimits, hooks: RegistryHooks): Promise<void>;
  /**
   * Registers a session, before it is given a thread. Rejects with CALL_FULL; FLEET_FULL, where a limit for all processes
   * together is reached, so that no other one has room either; or REGISTRY_UNAVAILABLE. The first two are a {@link RoomSoon}
   * where a session of another process is known to be on its way out.
   */
  claim(claim: SessionClaim): Promise<void>;
  /** The session is on its way out, and holds its place until it is released. Never waits. */
  leaving(sessionId: string): void;
  /** The session has ended, or never came to be (null). Never waits. */
  release(sessionId: string, end: SessionEnd | null): void;
  /** A session that lives, or ended within the last 10 minutes. Rejects with REGISTRY_UNAVAILABLE where it cannot know. */
  find(sessionId: string): Promise<FoundSession | null>;
  /** The other processes that live, as of the last heartbeat. */
  peers(): readonly PeerNode[];
  /**
   * The answer of the first request with this key, which is waited for; or `run`'s, where this is the first. A failure is
   * forgotten. Answers are plain JSON, and kept for 10 minutes. Rejects with IDEMPOTENCY_MISMATCH where the first one had another body,
   * with IDEMPOTENCY_PENDING where the first one takes too long.
   */
  onceByKey<T>(key: OnceKey, run: () => Promise<T>): Promise<OnceResult<T>>;
  /** Takes no part any more; what is not told yet is told, within the deadline of a command. */
  close(): Promise<void>;
}
