/** Tells the next role, which reads it in the history, of a handoff. Null: that of the agent's own options. */
export const handedOff = (role: string | null): string =>
  role === null
    ? "The conversation was handed back to you, who began it: go on with the conversation."
    : `The conversation was handed over to "${role}". You are "${role}" from here on: go on with the conversation.`;

/** Returns the role to which a result of a tool hands over, which may be null; undefined where it is another result. */
export function roleHandedTo(output: string): string | null | undefined {
  if (output === handedOff(null)) return null;
  const role = /^The conversation was handed over to "(.*)"\. You are/s.exec(output)?.[1];
  return role !== undefined && output === handedOff(role) ? role : undefined;
}
