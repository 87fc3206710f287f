import { within } from "../deadline.ts";
import type { Measurement } from "../protocol.ts";
import type { AgentUser, Call, Connection, Edge } from "./edge.ts";
import { errorKind } from "./error-kind.ts";
import type { AgentHost } from "./host.ts";
import type { AgentLimits } from "./limits.ts";

export interface AttendanceOptions {
  /** Asked for when it is needed, as the host is. */
  readonly edge: () => Edge;
  readonly agentUser: AgentUser;
  readonly limits: AgentLimits;
  /** Fires when the conversation is over: nothing is joined any more. */
  readonly signal: AbortSignal;
  /** Asked for when it is needed: the session takes hold of the agent after it was made. */
  readonly host: () => AgentHost;
  /** Does one step of closing: bounded, and what goes wrong is logged. */
  readonly step: (what: string, work: () => Promise<void>) => Promise<void>;
}

/** The agent's coming and going, in this order: it joins one call, once, and `left` also follows from anywhere. */
type Place = "outside" | "joining" | "inside" | "left";

/** An agent's attendance of its call: every wait for the edge is bounded, and no connection is left behind. */
export class Attendance {
  readonly #options: AttendanceOptions;
  #place: Place = "outside";
  #connection: Connection | null = null;
  #leaving: Promise<void> | null = null;

  constructor(options: AttendanceOptions) {
    this.#options = options;
  }

  /** Has it not even begun to join? */
  get outside(): boolean {
    return this.#place === "outside";
  }

  /** Is somebody else seen in the call? */
  get accompanied(): boolean {
    return (this.#connection?.participants.size ?? 0) > 0;
  }

  async createCall(callType: string, callId: string): Promise<Call> {
    const { agentUser, signal } = this.#options;
    signal.throwIfAborted();
    return this.#onEdge("create the call", (edge) =>
      edge.createCall({ callType, callId, agentUser, signal }),
    );
  }

  async join(call: Call): Promise<Connection> {
    const { agentUser, signal, step, host } = this.#options;
    signal.throwIfAborted();
    if (!this.outside) throw new Error("An agent joins one call, once");
    this.#place = "joining";
    let wanted = true;
    try {
      const connection = await this.#onEdge("join the call", async (edge) => {
        const { log } = host();
        const measure = (measurement: Measurement) => host().measured(measurement);
        const late = await edge.join(call, { agentUser, signal, log, measure });
        if (!wanted) void step("leave a call that was joined too late", () => late.leave());
        return late;
      });
      if (signal.aborted) {
        await step("leave the call", () => connection.leave());
        throw signal.reason;
      }
      this.#place = "inside";
      this.#connection = connection;
      return connection;
    } catch (error) {
      wanted = false;
      if (this.#place === "joining") this.#place = "outside";
      throw error;
    }
  }

  leave(): Promise<void> {
    this.#place = "left";
    this.#leaving ??= this.#options.step("leave the call", async () => this.#connection?.leave());
    return this.#leaving;
  }

  async #onEdge<T>(what: string, work: (edge: Edge) => Promise<T>): Promise<T> {
    const { signal, limits, host } = this.#options;
    const edge = this.#options.edge();
    try {
      return await within(work(edge), limits.joinTimeoutMs, `To ${what}`, signal);
    } catch (error) {
      if (!signal.aborted) {
        const { provider } = edge;
        host().measured({ kind: "error", component: "edge", provider, error: errorKind(error) });
      }
      throw error;
    }
  }
}
