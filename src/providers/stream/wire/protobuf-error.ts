/** An error in bytes that were received, or in a value that was to be sent. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}
