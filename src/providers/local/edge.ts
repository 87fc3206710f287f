import type { Call, CallRequest, Connection, Edge as EdgeInterface } from "../../agent/edge.ts";

/**
 * A call without media: its participants type, and are heard through the session that the agent lives in. It ends when the
 * session does.
 */
export class Edge implements EdgeInterface {
  readonly provider = "local";
  readonly sound = false;

  async createCall({ callType, callId }: CallRequest): Promise<Call> {
    return { callType, callId };
  }

  async join(): Promise<Connection> {
    return { audio: null, participants: new Map(), subscribe: () => () => {}, leave: async () => {} };
  }

  async close(): Promise<void> {}
}
