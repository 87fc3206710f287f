/** A model's answer is of no use: nothing in it, a call that nobody can read, a stream that broke. */
export class BadAnswerError extends Error {
  override readonly name = "BadAnswerError";
  /** The kind of bad answer, such as `EMPTY`, `MALFORMED_FUNCTION_CALL` or `UNREADABLE`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
