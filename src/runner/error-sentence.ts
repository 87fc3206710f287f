import { GreenroomError, plainError } from "../errors.ts";

/** Names that say nothing which the message does not: a key that is missing is a TypeError, and nobody's concern that it is. */
const plainNames = ["Error", "TypeError", "UsageError", "ListenError"];

/** An error for whoever started the program: our own are sentences; of others the kind is told too, where it says something. */
export function errorSentence(error: unknown): string {
  const { name, message } = plainError(error);
  const cause = error instanceof Error ? error.cause : undefined;
  if (GreenroomError.is(error)) return cause === undefined ? message : `${message}: ${errorSentence(cause)}`;
  return plainNames.includes(name) ? message : `${name}: ${message}`;
}
