import { AgentShell } from "../agent/agent.ts";
import type { AgentOptions, Joined, JoinOptions, SayOptions } from "../agent/agent-options.ts";
import type { AgentUser, Call } from "../agent/edge.ts";
import type { LLM } from "../agent/llm.ts";
import type { RealtimeModel } from "../agent/realtime-model.ts";
import type { AgentEvent, TurnOutcome } from "../shared/agent-event.ts";
import type { JsonObject, JsonValue } from "../shared/protocol.ts";

/** The definition of an agent, which takes part in one call. */
export interface Agent {
  readonly agentUser: AgentUser;
  readonly instructions: string;
  readonly llm: LLM | RealtimeModel;
  /**
   * A small store of the agent's own code, such as the name of the caller. Its values are there again where another thread takes
   * up the call, once the agent has joined.
   */
  readonly data: AgentData;
  /** Makes sure that the call exists, or finds it. */
  createCall(callType: string, callId: string): Promise<Call>;
  /**
   * Brings the agent into the call; messages that came before are answered from here on, in order, after what the agent's code
   * has it say at once. In a call with sound it resolves when somebody else is there, or after 10 s. Disposing of the result
   * leaves the call: `await using _ = await agent.join(call)`. An agent joins one call, once.
   */
  join(call: Call, options?: JoinOptions): Promise<Joined>;
  /**
   * Asks the model as if the text were an instruction of the moment, once the running turn is over. Resolves with the
   * outcome of that turn: a session that closes makes it `interrupted`.
   */
  simpleResponse(instruction: string): Promise<TurnOutcome>;
  /** Says the text as it is, once the running turn is over. Resolves with the outcome of that turn. */
  say(text: string, options?: SayOptions): Promise<TurnOutcome>;
  /**
   * Sends data to all who watch the call, as an event of the application. Rejects where it is no object of JSON or too large
   * (5 KB on Stream), or the edge takes no events or fails.
   */
  sendEvent(data: JsonObject): Promise<void>;
  /** Resolves when the call has ended, the agent has left it, or the session closes. */
  finish(): Promise<void>;
  /** Leaves the call and frees everything: the edge, the model, the voices. Never rejects; what goes wrong is logged. */
  close(): Promise<void>;
  /** Returns the time for which the agent has been alone in the call, in milliseconds; 0 while somebody is there. */
  idleFor(): number;
  /** Returns the time for which the agent is, or was, in the call, in milliseconds. */
  onCallFor(): number;
  /**
   * Calls `listener` for every event from here on. An error that it throws is logged. Returns a function that ends it. In
   * this example the agent asks a participant who says nothing, and leaves the third time:
   *
   * ```ts
   * agent.subscribe(async (event) => {
   *   if (event.type !== "user_silent") return;
   *   if (event.times < 3) await agent.say("Are you still there?");
   *   else await agent.close();
   * });
   * ```
   */
  subscribe(listener: (event: AgentEvent) => unknown): () => void;
}

/** A store of JSON for one call: 64 KiB of it at most. */
export interface AgentData {
  /** Returns a value as it was set; undefined where there is none. */
  get(name: string): JsonValue | undefined;
  /**
   * Sets a value; undefined removes it. It keeps a copy. Throws a `TypeError` for what is not JSON, and a `RangeError` where the
   * store would be larger than 64 KiB.
   */
  set(name: string, value: JsonValue | undefined): void;
}

export const Agent: new (options: AgentOptions) => Agent = AgentShell;
