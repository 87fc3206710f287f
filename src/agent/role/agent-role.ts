import type { AgentInCall, AgentValues } from "../call/agent-in-call.ts";
import type { LLM } from "../llm.ts";
import {
  anyFunction,
  type Checks,
  checkOptions,
  having,
  isObject,
  textOrEmpty,
  texts,
} from "../options/option-checks.ts";
import { type Toolset, toolsetsCheck } from "../tools/tools.ts";
import type { TTS } from "../tts.ts";

/**
 * A part that an agent plays for a while in its call, such as the one who answers questions about bills. An option that a role
 * leaves out is that of the agent.
 */
export interface AgentRole<Values extends AgentValues = AgentValues> {
  /** The standing instructions of the model. */
  readonly instructions?: string;
  /** The text model. It is freed with the agent, whichever role that has then. */
  readonly llm?: LLM;
  /** The voice, from the next turn on. It is freed with the agent. */
  readonly tts?: TTS;
  /** The functions that the model may call besides those that are registered on it, in place of the agent's `tools`. */
  readonly tools?: Toolset | readonly Toolset[];
  /** The functions that the model may call, by name. */
  readonly allowedTools?: readonly string[];
  /** Called as the agent takes on the role, with the role before; null for that of its own options. Its error is logged. */
  readonly onEnter?: (change: RoleChange<Values>) => unknown;
  /** Called as the agent gives up the role, with the next one. Its error is logged. */
  readonly onExit?: (change: RoleChange<Values>) => unknown;
}

/** A change of an agent's role. Null is the role of its own options. */
export interface RoleChange<Values extends AgentValues = AgentValues> {
  /** The agent, which may say its first words in the role. */
  readonly agent: AgentInCall<Values>;
  readonly from: string | null;
  readonly to: string | null;
}

/** The role of an agent as the next agent of the call takes it on. */
export interface RoleState {
  /** The name of the role; null: that of the agent's own options. */
  readonly name: string | null;
  /** The instructions that were given in the call, in place of the role's; null: none. */
  readonly instructions: string | null;
}

const checks: Checks<AgentRole> = {
  instructions: textOrEmpty,
  llm: having(["generate", "close"], "a text model, such as new gemini.LLM()"),
  tts: having(["speak", "close"], "a voice, such as new elevenlabs.TTS()"),
  tools: toolsetsCheck,
  allowedTools: texts,
  onEnter: anyFunction,
  onExit: anyFunction,
};

/** Throws a `TypeError` that names an option of a role which does not exist or cannot be. */
export function checkRoles(roles: Readonly<Record<string, AgentRole>>): void {
  for (const [name, role] of Object.entries(roles)) checkOptions(`new Agent: roles.${name}`, role, checks);
}

/** Any object; its roles are checked one by one. */
export const rolesCheck = { fits: isObject, expected: "an object of roles by their names" };
