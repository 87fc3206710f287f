import type { Agent } from "../api/agent.ts";
import type { EndReason } from "../shared/end-reasons.ts";
import type { JsonObject } from "../shared/protocol.ts";

/** The facts that an agent module gets about the session that it is started for. */
export interface AgentSession {
  /** The `config` of the request that started the session, which nobody has checked. */
  readonly config: JsonObject;
  readonly callType: string;
  readonly callId: string;
  readonly sessionId: string;
  /** Tells that the agent takes up a call whose thread ended; null where the call begins. */
  readonly resumed: Resumed | null;
  /** Fires when the session is asked to close. Its reason is an `AbortError` that says why. */
  readonly signal: AbortSignal;
}

/**
 * The facts about a call that is taken up. The conversation and `agent.data` are restored once the agent has joined, and what
 * `joinCall` had the agent say before `finish()` is not said again, as long as the text is the same: a greeting with the time in it is
 * said once more.
 */
export interface Resumed {
  /** The reason for which the thread before ended. */
  readonly reason: EndReason;
  /** The number of times that the call was taken up, this one included. */
  readonly times: number;
}

/** An agent module: it makes its agent, and takes it through a call. */
export interface AgentModule<A extends Agent = Agent> {
  /** A sentence about the agent, told at the start beside the services that it uses. */
  readonly about?: string;
  /** Makes the agent. Also called once without a call, as a rehearsal, before the server serves. */
  createAgent(context: AgentSession): A | Promise<A>;
  /** Takes the agent through its call. The session ends when it returns. */
  joinCall(agent: A, context: AgentSession): void | Promise<void>;
}

/** A registered symbol: it holds across copies of the package. */
const marker = Symbol.for("greenroom.agent.definition");

/** The default export of an agent module. */
export type AgentDefinition<A extends Agent = Agent> = AgentModule<A>;

/** Marks a module as an agent: `export default defineAgent({ createAgent, joinCall })`. */
export function defineAgent<A extends Agent>(module: AgentModule<A>): AgentDefinition<A> {
  for (const name of ["createAgent", "joinCall"] as const) {
    if (typeof module[name] !== "function") throw new TypeError(`defineAgent: ${name} must be a function`);
  }
  const { about, createAgent, joinCall } = module;
  const definition = { ...(about === undefined ? {} : { about }), createAgent, joinCall };
  // Enumerable, so that a copy with other functions is an agent too.
  return Object.defineProperty(definition, marker, { value: true, enumerable: true });
}

export function isAgentDefinition(value: unknown): value is AgentDefinition {
  return typeof value === "object" && value !== null && marker in value;
}
