/**
 * The program was asked for something that cannot be done as it was asked. The error is printed in one line, without a
 * stack, and the exit code is 2.
 */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
