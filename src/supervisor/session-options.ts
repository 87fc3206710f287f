import type { Farewell, InMemoryCall, JsonObject, JsonValue, Measurement } from "../protocol.ts";
import type { Permits } from "./permits.ts";
import type { Session } from "./session.ts";

export interface SessionIdentity {
  readonly callId: string;
  readonly callType: string;
  readonly config: JsonObject;
  /** Who started it: the value of `getCurrentUser`, or null. */
  readonly createdBy: JsonValue;
  /** The call takes place in memory. */
  readonly inMemory: InMemoryCall | null;
}

export interface SessionDeadlines {
  /** Longest time that `createAgent` may take, in milliseconds. */
  readonly createTimeoutMs: number;
  /** How long a session that was asked to close may take, in milliseconds. */
  readonly closeGraceMs: number;
}

/** What a session tells its supervisor, and what it shares with the others. */
export interface SessionListener {
  readonly permits: Permits<Session>;
  measured(measurement: Measurement): void;
  joined(): void;
  /** Its thread is gone and has not left its call. */
  farewell(session: Session, farewell: Farewell): void;
  /** It is on its way out; its place is free once it has ended. Told once. */
  leaving(session: Session): void;
  ended(session: Session): void;
}
