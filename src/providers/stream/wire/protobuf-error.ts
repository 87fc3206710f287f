/** An error in the bytes of a received message, or in a value to be sent. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}
