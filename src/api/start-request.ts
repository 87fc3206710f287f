import type { InMemoryCall, JsonObject, JsonValue } from "../shared/protocol.ts";

/** The request to start a session: to put an agent into a call. */
export interface StartRequest {
  readonly callId: string;
  /**
   * The type of the call.
   * @default "default"
   */
  readonly callType?: string;
  /**
   * Handed to `createAgent` and `joinCall` as it is.
   * @default {}
   */
  readonly config?: JsonObject;
  /**
   * The user who starts the session, which is kept with it.
   * @default null
   */
  readonly createdBy?: JsonValue;
  /**
   * The call takes place in memory, whatever edge the agent has: `dial(session.id)` of `greenroom/testing` reaches it, to
   * play sound into it and to hear what the agent says. An agent without ears or a voice gets the offline stand-ins.
   */
  readonly inMemory?: InMemoryCall;
}
