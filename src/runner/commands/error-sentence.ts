import { inBrackets } from "../../shared/error-location.ts";
import { GreenroomError, messageWithCauses, plainError } from "../../shared/errors.ts";

/** The names of errors whose message tells the user what to do; the place in their code would not help. */
const advice = ["UsageError", "ListenError", "MissingKeyError", "StateDirError"];

/** The names of errors that say nothing which the message does not: a wrong option is a TypeError. */
const plainNames = ["Error", "TypeError", ...advice];

/**
 * Returns an error as a sentence for the person who started the program. Greenroom's own errors are sentences. For
 * others the kind is added, where it says something, and the place in the user's code where the error was thrown.
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

/**
 * Returns the stack that leads to the user's code: that of the first error in a chain of causes that is not Greenroom's
 * own.
 */
export function stackOf(error: unknown): string | undefined {
  if (GreenroomError.is(error)) return error.cause === undefined ? undefined : stackOf(error.cause);
  const { name, stack } = plainError(error);
  return advice.includes(name) ? undefined : stack;
}
