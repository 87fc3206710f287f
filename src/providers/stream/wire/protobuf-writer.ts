/** Writes the bytes of one message. */
export class ProtobufWriter {
  #bytes = new Uint8Array(64);
  #length = 0;

  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  tag(number: number, wireType: number): void {
    this.varint(BigInt(number * 8 + wireType));
  }

  varint(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    for (; rest > 0x7fn; rest >>= 7n) this.#view(1).setUint8(0, Number(rest & 0x7fn) | 0x80);
    this.#view(1).setUint8(0, Number(rest));
  }

  float(value: number): void {
    this.#view(4).setFloat32(0, value, true);
  }

  double(value: number): void {
    this.#view(8).setFloat64(0, value, true);
  }

  delimited(bytes: Uint8Array): void {
    this.varint(BigInt(bytes.length));
    const offset = this.#grow(bytes.length);
    this.#bytes.set(bytes, offset);
  }

  #view(length: number): DataView {
    const offset = this.#grow(length);
    return new DataView(this.#bytes.buffer, offset, length);
  }

  /** Makes room for `length` bytes, and returns their offset. */
  #grow(length: number): number {
    const offset = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return offset;
  }
}
