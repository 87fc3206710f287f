/** Tells the next role, which reads it in the history, of a handoff. */
export const handedOff = (role: string): string =>
  `The conversation was handed over to "${role}". You are "${role}" from here on: go on with the conversation.`;

/** Returns the role to which a result of a tool hands over; null where it is another result. */
export function roleHandedTo(output: string): string | null {
  const role = /^The conversation was handed over to "(.*)"\. You are/s.exec(output)?.[1];
  return role !== undefined && output === handedOff(role) ? role : null;
}
