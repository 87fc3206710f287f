/** The options of a handoff. */
export interface HandoffOptions {
  /**
   * The part of the conversation that the next role knows: all of it, or nothing of what was said before the handoff.
   * @default "all"
   */
  readonly history?: "all" | "none";
  /**
   * Lets the next role answer at once, when the words of the role before are said. False leaves its first words to its `onEnter`.
   * @default true
   */
  readonly respond?: boolean;
}

const marker = Symbol.for("greenroom.handoff");

/** The result of a tool that hands the conversation over to another role of the agent. */
export interface Handoff extends Required<HandoffOptions> {
  /** The name of the next role, one of the agent's `roles`; null: that of its own options. */
  readonly role: string | null;
}

/**
 * Returns what a tool returns to hand the conversation over to another role of its agent. The turn of the role before ends with the
 * tool; the next role answers in a turn of its own, with its own instructions, functions, model and voice. Null hands it back to the
 * role of the agent's own options. A role that does not exist makes the tool fail.
 *
 * ```ts
 * llm.registerFunction({
 *   name: "connect_billing",
 *   description: "Connects the caller with billing.",
 *   execute: () => handoff("billing"),
 * });
 * ```
 */
export function handoff(
  role: string | null,
  { history = "all", respond = true }: HandoffOptions = {},
): Handoff {
  return Object.defineProperty({ role, history, respond }, marker, { value: true });
}

/** Returns whether the result of a tool is a handoff, made by whatever copy of the package. */
export const isHandoff = (value: unknown): value is Handoff =>
  typeof value === "object" && value !== null && marker in value;
