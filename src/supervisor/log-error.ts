import { GreenroomError, messageWithCauses, plainError } from "../shared/errors.ts";

/**
 * Returns an error for the `err` of a log line, where pino writes `type`, `message` and `stack`. An error that crossed
 * a thread is plain fields, or a bare `Error` with another's name: pino would call it `Object`, or `Error`.
 */
export function loggedError(error: unknown): unknown {
  if (error instanceof Error && (error.constructor !== Error || error.name === "Error")) return error;
  const { name, errors, ...fields } = plainError(error);
  // Without a prototype pino takes the type from the name. The name and the inner errors need not be in the line twice.
  return Object.defineProperties(Object.assign(Object.create(null), fields), {
    name: { value: name },
    errors: { value: errors },
  });
}

/** Returns the cause of an error of the error table, since operators need the cause; returns any other error itself. */
export function causeOf(error: unknown): unknown {
  return GreenroomError.is(error) ? (error.cause ?? error) : error;
}

/** Returns one line without a stack, for an error that is expected to happen: `RangeError: no key was given`. */
export function errorLine(error: unknown): string {
  const plain = plainError(error);
  return `${plain.name}: ${messageWithCauses(plain)}`;
}
