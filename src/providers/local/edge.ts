import type { Call, CallRequest, Connection, Edge as EdgeInterface } from "../../agent/edge.ts";

/**
 * An edge without sound. Its participants type, and reach the agent through its session. The call ends with
 * the session.
 */
export class Edge implements EdgeInterface {
  readonly provider = "local";
  readonly sound = false;
  readonly rejoins = true;

  async createCall({ callType, callId }: CallRequest): Promise<Call> {
    return { callType, callId };
  }

  async join(): Promise<Connection> {
    return { audio: null, participants: new Map(), subscribe: () => () => {}, leave: async () => {} };
  }

  async close(): Promise<void> {}
}
