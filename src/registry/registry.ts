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
}

/** What is to be told of an end. It is kept until it was told, or given up. */
export interface EndMessage {
  readonly sessionId: string;
  /** When the session ended, in epoch milliseconds. */
  readonly since: number;
  /** The text that is told, the same for ever. */
  readonly body: string;
}

/**
 * What became of an end: `final`, it counts from now on; `superseded`, another end of the session had been written before, and
 * counts; `left`, it could not be written before this process left, and the others, who know the session, report it as lost;
 * `alone`, the same, and nobody else knows of the session.
 */
export type EndOutcome = "final" | "superseded" | "left" | "alone";

/** The messages of ends that are not told yet, of all processes. */
export interface WaitingMessages {
  readonly count: number;
  /** Since when the oldest waits, in epoch milliseconds; null where there is none. */
  readonly oldestSince: number | null;
}

/**
 * What a process answers that seems to be dead: `alive`; `gone`, nobody is there, or another one, or nobody can be asked; `silent`,
 * nothing can be learnt.
 */
export type Liveness = "alive" | "gone" | "silent";

export interface FoundSession extends SessionRecord {
  /** The other process that has it, or had it, and lives: one that has just begun may not be among the peers yet. */
  readonly owner: PeerNode | null;
}

/** What a registry tells its process, and asks it. None of these may throw, and none of the promises may reject. */
export interface RegistryHooks {
  /** Asked at each heartbeat. */
  state(): NodeState;
  /**
   * The process of this session died, and this one is to report it, as the only one. Returns the text of the message that is to
   * be told of it; null where nothing is told.
   */
  lost(record: SessionRecord): string | null;
  /** These sessions of this process were reported as lost, since it stood still or was cut off: they end at once. */
  fenced(sessionIds: readonly string[]): void;
  /** The end is written, and this process is to tell it: then `told` is called. */
  deliver(message: EndMessage): void;
  /** How many more messages this process would take on to deliver. */
  room(): number;
  /** Asks another process, whose lease has ended, whether it lives. Resolves within two seconds. */
  liveness(peer: PeerNode): Promise<Liveness>;
  /**
   * None of these processes, whose leases have ended, can be reached, nor any other one: this process may be the one that is cut off,
   * so nobody is held to be dead. Told once.
   */
  unreached(nodeIds: readonly string[]): void;
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
  /** Which life of this node it is, see {@link SessionRecord.epoch}; 0 before it is registered. */
  readonly epoch: number;
  /** Messages that are not told yet outlive this process. */
  readonly keepsMessages: boolean;
  /** As of the last heartbeat. */
  readonly waiting: WaitingMessages;
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
  /** The session is on its way out, and holds its place until it has ended. Never waits. */
  leaving(sessionId: string): void;
  /**
   * The session has ended. Resolves once that is written, with whether it counts: only then is it told, by
   * {@link RegistryHooks.deliver} where there is a `body`. Waits for as long as the registry is out of reach. Never rejects.
   */
  end(sessionId: string, end: SessionEnd, body: string | null): Promise<EndOutcome>;
  /**
   * A session that was claimed never came to be. Resolves once its place is free for other processes too, at once where the registry
   * is out of reach, and after the deadline of a command at the latest. Never rejects.
   */
  withdraw(sessionId: string): Promise<void>;
  /** The message of this session's end was told, or given up: it need not be kept. Never waits. */
  told(sessionId: string): void;
  /** A session that lives, or ended within the last 10 minutes. Rejects with REGISTRY_UNAVAILABLE where it cannot know. */
  find(sessionId: string): Promise<FoundSession | null>;
  /**
   * Resolves when this process knows that it still takes part: at once, but for a process that stood still, or was cut off, for so
   * long that its sessions may have been reported as lost meanwhile. Waits no longer than for a command. Never rejects.
   */
  current(): Promise<void>;
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
