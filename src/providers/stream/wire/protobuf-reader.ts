/** An error in the bytes of a received message, or in a value to be sent. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}

/** The encodings of fields. They tell how to skip an unknown field. */
export const wireTypes = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;

/**
 * Reads the bytes of one message from the start to the end. Its methods throw a {@link ProtobufError} where
 * the bytes end too early or are invalid.
 */
export class ProtobufReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  tag(): readonly [number: number, wireType: number] {
    const tag = this.varint();
    const number = tag >> 3n;
    if (number === 0n || number > 0x1fff_ffffn) throw new ProtobufError(`MessageField number ${number}`);
    return [Number(number), Number(tag & 7n)];
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#take(1)[0] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new ProtobufError("A varint of more than 10 bytes");
  }

  float(): number {
    return viewOf(this.#take(4)).getFloat32(0, true);
  }

  double(): number {
    return viewOf(this.#take(8)).getFloat64(0, true);
  }

  delimited(): ProtobufReader {
    return new ProtobufReader(this.#take(Number(this.varint())));
  }

  rest(): Uint8Array {
    return this.#take(this.#bytes.length - this.#offset);
  }

  skip(wireType: number): void {
    switch (wireType) {
      case wireTypes.varint:
        this.varint();
        return;
      case wireTypes.fixed64:
        this.#take(8);
        return;
      case wireTypes.lengthDelimited:
        this.delimited();
        return;
      case wireTypes.fixed32:
        this.#take(4);
        return;
      default:
        throw new ProtobufError(`Wire type ${wireType}`);
    }
  }

  #take(length: number): Uint8Array {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new ProtobufError("The message ends within a field");
    const taken = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return taken;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
