/**
 * The error for a request that cannot be done as it was made on the command line. It is printed in one line, without a
 * stack, and the exit code is 2.
 */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
