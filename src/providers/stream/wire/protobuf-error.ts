/** What went wrong with bytes that were received, or with a value that was to be sent. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}
