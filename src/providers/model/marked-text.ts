/** The mark of an instruction where the protocol has participants alone. */
const mark = "(Instruction, not words of a participant:)";

/**
 * Returns words as a service is shown them that takes an instruction of the moment as the words of a user: without a mark the model would
 * answer it as if somebody in the call had said it. Texts in parentheses are marked already.
 */
export const markedText = (role: "participant" | "instruction", text: string): string =>
  role === "participant" || text.startsWith("(") ? text : `${mark} ${text}`;
