import type { EndReason } from "../shared/end-reasons.ts";
import { GreenroomError } from "../shared/errors.ts";
import type { JsonValue } from "../shared/protocol.ts";

/** A process of the fleet. */
export interface NodeInfo {
  readonly nodeId: string;
  /** The URL under which its peers reach it; null: they cannot. */
  readonly address: string | null;
  /** The version of the deployment that it belongs to; null or left out: none is known. */
  readonly revision?: string | null;
}

/** The room that a process has, as of its last heartbeat. */
export interface NodeState {
  /** The most sessions that may live in it at the same time. */
  readonly capacity: number;
  /** The number of sessions that it could still take. */
  readonly free: number;
  /** True while it accepts starts: it is warm, not draining, not overloaded, and its agent can be had. */
  readonly accepting: boolean;
}

/** Another process of the fleet, as of the last heartbeat. */
export interface PeerNode extends NodeInfo, NodeState {
  /** The number of this life of the node: see {@link SessionRecord.epoch}. */
  readonly epoch: number;
}

/** A claim of a session that is about to start. Times are epoch milliseconds by the clock of its own process. */
export interface SessionClaim {
  readonly sessionId: string;
  readonly callType: string;
  readonly callId: string;
  readonly createdBy: JsonValue;
  readonly startedAt: number;
}

/** The end of a session, as the registry keeps it. */
export interface SessionEnd {
  readonly reason: EndReason;
  readonly endedAt: number;
}

/** A session as the fleet knows it, wherever it is. */
export interface SessionRecord extends SessionClaim {
  readonly nodeId: string;
  /**
   * The number of the life of the node. It grows each time that the node is registered, so that two lives of one node
   * are told apart: a session of an earlier epoch is not in the node that lives now.
   */
  readonly epoch: number;
  /** The end, which is kept for 10 minutes; null while the session lives. */
  readonly end: SessionEnd | null;
}

/** The message of an end. It is kept until it was delivered, or given up. */
export interface EndMessage {
  readonly sessionId: string;
  /** The time at which the session ended, in epoch milliseconds. */
  readonly since: number;
  /** The text that is sent, which never changes. */
  readonly body: string;
}

/**
 * The result of writing an end. `final`: it counts from now on. `superseded`: another end of the session had been
 * written before, and counts. `left`: it could not be written before this process left; peers that know the session, or
 * the next process, report it as lost. `alone`: it could not be written, and no other process knows of the session.
 */
export type EndOutcome = "final" | "superseded" | "left" | "alone";

/**
 * A session that the registry could not be told of. Other processes keep it, and write it to the registry in the place
 * of its own process, which may end before it can. It is plain JSON.
 */
export interface EntrustedSession {
  readonly claim: SessionClaim;
  /** The process that has the session, or had it, and the number of that process' life. */
  readonly owner: NodeInfo & { readonly epoch: number };
  /** The end; null while the session lives. `withdrawn`: it was never started. */
  readonly end: SessionEnd | "withdrawn" | null;
  /** The text of the message about its end; null where none is sent. */
  readonly body: string | null;
}

/** The messages of ends that are not delivered yet, of all processes. */
export interface WaitingMessages {
  readonly count: number;
  /** The time since which the oldest waits, in epoch milliseconds; null where there is none. */
  readonly oldestSince: number | null;
}

/**
 * The result of asking a process that seems to be dead. `alive`: it answered. `gone`: nobody or another process is at
 * its address. `silent`: no answer came. `unasked`: it cannot be asked.
 */
export type Liveness = "alive" | "gone" | "silent" | "unasked";

/** A session as the registry knows it. */
export interface FoundSession extends SessionRecord {
  /**
   * The other process that has the session, or had it, and lives: one that has just begun may not be among the peers
   * yet. Null where it is this process, or one that does not live.
   */
  readonly owner: PeerNode | null;
}

/**
 * The fate of a session of a dead process. `taken`: it goes on in this process. `later`: there is no room at this moment, so
 * that the session is offered again while it waits for a process. `never`: this process cannot go on with it, and another one may.
 */
export type Adoption = "taken" | "later" | "never";

/**
 * The calls by which a registry tells its process something, or asks it. None of these may throw, and none of the
 * promises may reject.
 */
export interface RegistryHooks {
  /** Returns the room of this process. Called at each heartbeat. */
  state(): NodeState;
  /**
   * Reports that the process of this session is dead, and that only this process reports the session. Returns the text
   * of the webhook message about it; null where none is sent.
   */
  lost(record: SessionRecord): string | null;
  /**
   * Tells that these sessions of this process were reported as lost, since it stood still or was cut off: they end at
   * once.
   */
  fenced(sessionIds: readonly string[]): void;
  /**
   * Reports that the end is written, and that this process has to deliver its message. Once it is delivered, `told` is
   * called.
   */
  deliver(message: EndMessage): void;
  /**
   * Returns what another process needs to go on with this session of this one; null where it cannot be told, or must not
   * be kept. Called at heartbeats after {@link Successions.changed}.
   */
  carried(sessionId: string): string | null;
  /** Returns how many sessions of dead processes this one would take up now. */
  adoptable(): number;
  /**
   * Reports that the process of this session is dead, and that this process has the session from now on. `carried`: what
   * that process wrote last; an error where it cannot be read. A session that is not `taken` is given back at once.
   */
  adopted(record: SessionRecord, carried: string | Error): Adoption;
  /** Returns how many more messages this process would take on to deliver. */
  room(): number;
  /** Asks another process, whose lease has ended, whether it lives. Resolves within two seconds. */
  liveness(peer: PeerNode): Promise<Liveness>;
  /**
   * Asks another process whether it knows that this life of this process was declared dead. Resolves within a second,
   * with null where it does not say.
   */
  declaredDead(peer: PeerNode, epoch: number): Promise<boolean | null>;
  /** Hands a session to other processes, for their `takeIn`. Resolves with whether one has it, within a second. */
  entrust(session: EntrustedSession): Promise<boolean>;
  /**
   * Reports that the end of this session cannot be written for now, and that peers keep it, or nobody can: it need not
   * be hidden any longer.
   */
  mayShow(sessionId: string): void;
  /**
   * Tells once that none of these processes, whose leases have ended, can be reached, nor any other one: this process
   * may be the one that is cut off, so nobody is held to be dead.
   */
  unreached(nodeIds: readonly string[]): void;
  /**
   * Tells that what all processes share is out of reach, and why, as an error whose message is one line. Called again
   * each minute.
   */
  away(cause: Error): void;
  /** Tells that it can be reached again, after so many milliseconds; what happened meanwhile is being written. */
  back(awayMs: number): void;
  /** Tells that a command failed or took too long. */
  commandFailed(): void;
  /** Tells that another process that lives has the name of this one. Called once for each such process. */
  namesake(epoch: number): void;
}

/** The result of a request with a key: the answer of its own run, or that of an earlier request. */
export interface OnceResult<T> {
  readonly answer: T;
  /** True where it is the answer of an earlier request. */
  readonly replayed: boolean;
}

/** A request that is to be run once, however often it comes, and to whichever process. */
export interface OnceKey {
  /** The name that tells this request from all others: made of the caller and their key. */
  readonly name: string;
  /** A hash of the caller. The answers that a process keeps for one caller are bounded. */
  readonly caller: string;
  /** A hash of what was asked for. */
  readonly bodyHash: string;
}

/** The limits of how many sessions may live; judged where all of them are known. */
export interface RegistryLimits {
  /** The most sessions in one call. Null: no limit. */
  readonly maxSessionsPerCall: number | null;
}

/**
 * CALL_FULL or FLEET_FULL, while one of the sessions that hold the places is on its way out, so that there is room
 * soon.
 */
export class RoomSoon extends GreenroomError {}

/** The process that has a session, in one of its lives. */
export type SessionOwner = Pick<SessionRecord, "nodeId" | "epoch">;

/** The part of a registry by which sessions go on in another process, when their own one dies or drains. */
export interface Successions {
  /** Notes that what {@link RegistryHooks.carried} returns for this session has changed. Never waits. */
  changed(sessionId: string): void;
  /**
   * Makes this process the owner of a session that another one hands over. Resolves with whether it is the owner: it is not where
   * the session has ended, or is not in the other process. Rejects with REGISTRY_UNAVAILABLE where that is not known.
   */
  takeOver(claim: SessionClaim, from: SessionOwner): Promise<boolean>;
  /**
   * Resolves with the process that has a session, whatever this one believes; with null where it has ended, or is not known. Rejects
   * with REGISTRY_UNAVAILABLE where that is not known.
   */
  ownerOf(sessionId: string): Promise<SessionOwner | null>;
  /** Notes that another process has taken over this session, so that nothing more is written of it. Never waits. */
  moved(sessionId: string): void;
}

/**
 * Knows which process has which session, for all processes of a fleet, and judges the limits that hold for all of them
 * together. The one in memory knows a single process.
 */
export interface SessionRegistry {
  /** True where other processes take part. */
  readonly shared: boolean;
  /** True while what is shared can be reached. */
  readonly up: boolean;
  /** The number of this life of the node, see {@link SessionRecord.epoch}; 0 before it is registered. */
  readonly epoch: number;
  /** True where messages that are not told yet outlive this process. */
  readonly keepsMessages: boolean;
  /** The way in which sessions go on in other processes; null where they cannot. */
  readonly successions: Successions | null;
  /** The messages that are not delivered yet, as of the last heartbeat. */
  readonly waiting: WaitingMessages;
  /**
   * Takes part from here on. Resolves also where what is shared is out of reach: it is tried again at each heartbeat.
   */
  open(node: NodeInfo, limits: RegistryLimits, hooks: RegistryHooks): Promise<void>;
  /**
   * Registers a session, before it is given a thread. Rejects with CALL_FULL; FLEET_FULL, where a limit for all
   * processes together is reached, so that no other one has room either; or REGISTRY_UNAVAILABLE. The first two are a
   * {@link RoomSoon} where a session of another process is known to be on its way out.
   */
  claim(claim: SessionClaim): Promise<void>;
  /** Notes that the session is on its way out, and holds its place until it has ended. Never waits. */
  leaving(sessionId: string): void;
  /**
   * Writes the end of a session. Resolves once that is written, with whether it counts: only then is it told, by
   * {@link RegistryHooks.deliver} where there is a `body`. Waits for as long as the registry is out of reach. Never rejects.
   */
  end(sessionId: string, end: SessionEnd, body: string | null): Promise<EndOutcome>;
  /**
   * Withdraws a session that was claimed and never came to be. Resolves once its place is free for other processes too,
   * at once where the registry is out of reach, and after the deadline of a command at the latest. Never rejects.
   */
  withdraw(sessionId: string): Promise<void>;
  /** Notes that the message of this session's end was delivered, or given up, and need not be kept. Never waits. */
  told(sessionId: string): void;
  /**
   * Resolves with a session that lives, or ended within the last 10 minutes; null where there is none. Rejects with
   * REGISTRY_UNAVAILABLE where it cannot know.
   */
  find(sessionId: string): Promise<FoundSession | null>;
  /**
   * Takes in a session that another process could not tell the registry of: this one does so, as soon as it can. Never
   * waits.
   */
  takeIn(session: EntrustedSession): void;
  /** Returns whether this life of another process is known to have been declared dead, which is final. Never waits. */
  isDeclaredDead(nodeId: string, epoch: number): boolean;
  /**
   * Resolves when this process knows that it still takes part: at once, unless this process stood still, or was cut
   * off, for so long that its sessions may have been reported as lost meanwhile. Waits for some seconds at the most.
   * Never rejects.
   */
  current(): Promise<void>;
  /** Returns the other processes that live, as of the last heartbeat. */
  peers(): readonly PeerNode[];
  /**
   * Resolves with the answer of the first request with this key, which is waited for; or with that of `run`, where this
   * is the first. A failure is forgotten. Answers are plain JSON, and kept for 10 minutes. Rejects with
   * IDEMPOTENCY_MISMATCH where the first one had another body, with IDEMPOTENCY_PENDING where the first one takes too
   * long.
   */
  onceByKey<T>(key: OnceKey, run: () => Promise<T>): Promise<OnceResult<T>>;
  /** Leaves the registry, after writing everything that is not written yet, within the deadline of a command. */
  close(): Promise<void>;
}
