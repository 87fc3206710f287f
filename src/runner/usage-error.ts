/** What was asked for cannot be done as it was asked: printed in one line, without a stack, and exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
