import { within } from "../../shared/deadline.ts";
import type { JsonObject, JsonValue, LeaveData } from "../../shared/protocol.ts";
import type { Call, Connection, Edge, Participant } from "../edge.ts";
import { errorKind } from "../error-kind.ts";
import type { CallContext } from "./call-context.ts";
import { closeStep } from "./close-step.ts";

/** The agent's coming and going, in this order: it joins one call, once, and `left` also follows from anywhere. */
type MembershipState = "outside" | "joining" | "inside" | "left";

/** The most characters of an edge's hints. */
const mostHints = 32_768;

/** An agent's attendance of its call: every wait for the edge is bounded, and no connection is left behind. */
export class CallMembership {
  readonly #context: CallContext;
  readonly #edge: Edge;
  readonly #tellLeaveData: (data: LeaveData | null) => void;
  #state: MembershipState = "outside";
  #call: Call | null = null;
  #connection: Connection | null = null;
  #leaveData: LeaveData | null = null;
  /** The attempt to join whose leave data counts; null before the first one, and once that was left. */
  #attempt: symbol | null = null;
  #leaving: Promise<void> | null = null;

  /** @param tellLeaveData Tells the session how to leave the call should the thread die; null where it need not. */
  constructor(context: CallContext, edge: Edge, tellLeaveData: (data: LeaveData | null) => void) {
    this.#context = context;
    this.#edge = edge;
    this.#tellLeaveData = tellLeaveData;
  }

  /** Returns whether the agent has not begun to join. */
  get outside(): boolean {
    return this.#state === "outside";
  }

  get inside(): boolean {
    return this.#state === "inside";
  }

  /** Returns the call that the agent is in. */
  get call(): Call | null {
    return this.inside ? this.#call : null;
  }

  /** Returns the participants that are seen in the call; none before the agent has joined. */
  get participants(): ReadonlyMap<string, Participant> {
    return this.#connection?.participants ?? new Map();
  }

  /** Returns whether somebody else is seen in the call. */
  get accompanied(): boolean {
    return this.participants.size > 0;
  }

  /** Returns the edge's facts for the next agent of the call; null where there are none, or they are too long. */
  get hints(): JsonValue {
    const hints = this.#connection?.hints?.() ?? null;
    return JSON.stringify(hints).length > mostHints ? null : hints;
  }

  /** Has clients connect to the agent that takes up the call, in the replica of this name. */
  async prepareMove(to: string): Promise<void> {
    if (this.inside) await this.#connection?.prepareMove?.(to);
  }

  async createCall(callType: string, callId: string): Promise<Call> {
    const { agentUser, signal } = this.#context;
    signal.throwIfAborted();
    return this.#onEdge("create the call", (edge) =>
      edge.createCall({ callType, callId, agentUser, signal }),
    );
  }

  /**
   * @param hints The facts of the edge of the agent before; null where there are none.
   * @param besideAnother True where that agent goes on with the call for now.
   */
  async join(call: Call, hints: JsonValue, besideAnother: boolean): Promise<Connection> {
    const { agentUser, signal, log, measure } = this.#context;
    signal.throwIfAborted();
    if (!this.outside) throw new Error("An agent joins one call, once");
    this.#state = "joining";
    const attempt = Symbol("join");
    this.#attempt = attempt;
    let wanted = true;
    try {
      const connection = await this.#onEdge("join the call", async (edge) => {
        const leaveData = (data: JsonObject | null) =>
          this.#takeLeaveData(attempt, data && leaveDataOf(edge.provider, data));
        const late = await this.#unlessRefused(
          attempt,
          edge.join(call, { agentUser, signal, log, measure, leaveData, hints, besideAnother }),
        );
        if (!wanted)
          void closeStep(this.#context, "leave a call that was joined too late", () =>
            this.#part(attempt, late),
          );
        return late;
      });
      if (signal.aborted) {
        await closeStep(this.#context, "leave the call", () => this.#part(attempt, connection));
        throw signal.reason;
      }
      this.#state = "inside";
      this.#call = call;
      this.#connection = connection;
      return connection;
    } catch (error) {
      wanted = false;
      if (this.#state === "joining") this.#state = "outside";
      throw error;
    }
  }

  /** @param moved True where another agent is in the call, and goes on with it. */
  leave(moved: boolean): Promise<void> {
    this.#state = "left";
    this.#leaving ??= closeStep(this.#context, "leave the call", async () => {
      if (this.#connection) await this.#part(this.#attempt, this.#connection, moved);
    });
    return this.#leaving;
  }

  async #part(attempt: symbol | null, connection: Connection, moved = false): Promise<void> {
    await connection.leave({ moved });
    this.#takeLeaveData(attempt, null);
    if (this.#attempt === attempt) this.#attempt = null;
  }

  /** Withdraws the leave data of a join that was refused: such a join needs no leave. */
  async #unlessRefused(attempt: symbol, joining: Promise<Connection>): Promise<Connection> {
    try {
      return await joining;
    } catch (error) {
      this.#takeLeaveData(attempt, null);
      throw error;
    }
  }

  #takeLeaveData(attempt: symbol | null, given: LeaveData | null): void {
    // Of an attempt that was given up or left.
    if (attempt !== this.#attempt) return;
    if (given === null && this.#leaveData === null) return;
    this.#leaveData = given;
    this.#tellLeaveData(given);
  }

  async #onEdge<T>(what: string, work: (edge: Edge) => Promise<T>): Promise<T> {
    const { signal, limits, measure } = this.#context;
    const edge = this.#edge;
    try {
      return await within(work(edge), limits.joinTimeoutMs, `To ${what}`, signal, "limits.joinTimeoutMs");
    } catch (error) {
      if (!signal.aborted) {
        const { provider } = edge;
        measure({ kind: "error", component: "edge", provider, error: errorKind(error) });
      }
      throw error;
    }
  }
}

/** Checks the data, since they cross a thread: anything but JSON fails here, at the edge. */
function leaveDataOf(provider: string, data: JsonObject): LeaveData {
  return { provider, data: JSON.parse(JSON.stringify(data)) };
}
