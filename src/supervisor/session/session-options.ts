import type { InMemoryCall, JsonObject, JsonValue, LeaveData } from "../../shared/protocol.ts";
import type { Measurement } from "../../shared/session/measurement.ts";
import type { ArrivedSession } from "../succession/carried-session.ts";
import type { Permits } from "./permits.ts";
import type { EndDecision } from "./session-end.ts";

export interface SessionIdentity {
  readonly callId: string;
  readonly callType: string;
  readonly config: JsonObject;
  /** The caller that started it: the value of `getCurrentUser`, or null. */
  readonly createdBy: JsonValue;
  /** The call that takes place in memory, where it does; else null. */
  readonly inMemory: InMemoryCall | null;
  /** The session as another process had it, where it goes on here; null where it begins. */
  readonly arrived: ArrivedSession | null;
}

export interface SessionDeadlines {
  /** The longest time that `createAgent` may take, in milliseconds. */
  readonly createTimeoutMs: number;
  /** The longest time that a session may take to close after it was asked to, in milliseconds. */
  readonly closeGraceMs: number;
  /** The most times within a minute that it is resumed in another thread. */
  readonly maxResumes: number;
}

/** The calls by which a session tells its supervisor something, and the permits that it shares with others. */
export interface SessionListener<Session extends object> {
  readonly permits: Permits<Session>;
  measured(measurement: Measurement): void;
  joined(): void;
  /** Tells that its thread is gone and has not left its call. */
  leaveData(session: Session, leaveData: LeaveData): void;
  /** Tells once that it is on its way out: its place is free once it has ended. */
  leaving(session: Session): void;
  /** Tells that its thread has ended, and that it goes on as soon as it is given another one: {@link Session.resume}. */
  interrupted(session: Session, decision: EndDecision): void;
  /** Tells that the agent is back in its call. */
  resumed(session: Session): void;
  ended(session: Session): void;
  /** Tells that what another process would need to go on with it has changed. */
  changed(session: Session): void;
  /** Tells that it goes on in another process, and its thread is gone. */
  departed(session: Session): void;
}
