import type { AgentInCall, AgentValues } from "../call/agent-in-call.ts";
import type { LLM } from "../llm.ts";
import {
  anyFunction,
  type Checks,
  checkOptions,
  either,
  having,
  isObject,
  textOrEmpty,
  texts,
} from "../options/option-checks.ts";
import { isRealtime, type RealtimeModel } from "../realtime-model.ts";
import { type Toolset, toolsetsCheck } from "../tools/tools.ts";
import type { TTS } from "../tts.ts";

/**
 * A part that an agent plays for a while in its call, such as the one who answers questions about bills. An option that a role
 * leaves out is that of the agent.
 */
export interface AgentRole<Values extends AgentValues = AgentValues> {
  /** The standing instructions of the model. */
  readonly instructions?: string;
  /**
   * The model, of the same kind as the agent's own: one that writes text, or a speech-to-speech model, perhaps the same one with another
   * voice. It is freed with the agent, whichever role that has then.
   */
  readonly llm?: LLM | RealtimeModel;
  /** The voice, from the next turn on. It is freed with the agent. */
  readonly tts?: TTS;
  /** The functions that the model may call besides those that are registered on it, in place of the agent's `tools`. */
  readonly tools?: Toolset | readonly Toolset[];
  /** The functions that the model may call, by name. */
  readonly allowedTools?: readonly string[];
  /**
   * Called as the agent takes on the role in its call, with the role before; null for that of its own options. Not for the role with which
   * a call begins, or is taken up. Its error is logged.
   */
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
  llm: either(
    having(["generate", "close"], "a model, such as new gemini.LLM()"),
    having(["open", "close"], "a speech-to-speech model"),
  ),
  tts: having(["speak", "close"], "a voice, such as new elevenlabs.TTS()"),
  tools: toolsetsCheck,
  allowedTools: texts,
  onEnter: anyFunction,
  onExit: anyFunction,
};

/** Throws a `TypeError` that names an option of a role which does not exist or cannot be. @param llm The model of the agent itself. */
export function checkRoles(
  roles: Readonly<Record<string, AgentRole>>,
  llm: NonNullable<AgentRole["llm"]>,
): void {
  for (const [name, role] of Object.entries(roles)) {
    checkOptions(`new Agent: roles.${name}`, role, checks);
    if (role.llm === undefined || isRealtime(role.llm) === isRealtime(llm)) continue;
    const kind = isRealtime(llm) ? "a speech-to-speech model" : "a model that writes text";
    throw new TypeError(`new Agent: roles.${name}.llm must be ${kind}, as the agent's own is`);
  }
}

/** Any object; its roles are checked one by one. */
export const rolesCheck = { fits: isObject, expected: "an object of roles by their names" };
