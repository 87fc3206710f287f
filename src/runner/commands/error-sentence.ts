import { inBrackets } from "../../shared/error-location.ts";
import { GreenroomError, messageWithCauses, plainError } from "../../shared/errors.ts";

/** Errors that tell the user what to do differently: where in their code they come from is no question. */
const advice = ["UsageError", "ListenError", "MissingKeyError", "StateDirError"];

/** Names that say nothing which the message does not: an option that is wrong is a TypeError. */
const plainNames = ["Error", "TypeError", ...advice];

/**
 * An error for whoever started the program: our own are sentences; of others the kind is told too, where it says something,
 * and the place in the user's code where it was thrown.
 */
export function errorSentence(error: unknown): string {
  return `${withCauses(error)}${inBrackets(stackOf(error))}`;
}

function withCauses(error: unknown): string {
  const plain = plainError(error);
  const cause = error instanceof Error ? error.cause : undefined;
  if (GreenroomError.is(error) && cause !== undefined) return `${error.message}: ${withCauses(cause)}`;
  const text = advice.includes(plain.name) ? plain.message : messageWithCauses(plain);
  return GreenroomError.is(error) || plainNames.includes(plain.name) ? text : `${plain.name}: ${text}`;
}

/** The stack that leads to the user's code: that of the first error in a chain of causes that is not one of our own. */
export function stackOf(error: unknown): string | undefined {
  if (GreenroomError.is(error)) return error.cause === undefined ? undefined : stackOf(error.cause);
  const { name, stack } = plainError(error);
  return advice.includes(name) ? undefined : stack;
}
