import { AgentShell } from "../agent/agent.ts";
import type { AgentOptions, Joined, JoinOptions } from "../agent/agent-options.ts";
import type { AgentInCall, AgentValues } from "../agent/call/agent-in-call.ts";
import type { Call } from "../agent/edge.ts";
import type { LLM } from "../agent/llm.ts";
import type { RealtimeModel } from "../agent/realtime-model.ts";
import type { AgentEvent } from "../shared/session/agent-event.ts";

/** The definition of an agent, which takes part in one call. `Values`: those of its `data`. */
export interface Agent<Values extends AgentValues = AgentValues> extends AgentInCall<Values> {
  /** The standing instructions that it follows at the moment. */
  readonly instructions: string;
  readonly llm: LLM | RealtimeModel;
  /** Makes sure that the call exists, or finds it. */
  createCall(callType: string, callId: string): Promise<Call>;
  /**
   * Brings the agent into the call; messages that came before are answered from here on, in order, after what the agent's code
   * has it say at once. In a call with sound it resolves when somebody else is there, or after 10 s. Disposing of the result
   * leaves the call: `await using _ = await agent.join(call)`. An agent joins one call, once.
   */
  join(call: Call, options?: JoinOptions): Promise<Joined>;
  /** Resolves when the call has ended, the agent has left it, or the session closes. */
  finish(): Promise<void>;
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

export const Agent: {
  /** With `data`, which gives `agent.data` its type: `new Agent<Values>({ data, … })`. */
  new <Values extends AgentValues>(options: AgentOptions<Values> & { readonly data: Values }): Agent<Values>;
  new (options: AgentOptions): Agent;
} = AgentShell;
