/** Makes samples of bytes that arrive in pieces of any length. Half a sample waits for its other half. */
export class SampleReader {
  #half: number | null = null;

  /** Returns the samples that are complete with these bytes: 16 bits, signed, little-endian. */
  read(bytes: Uint8Array): Int16Array {
    const offset = this.#half === null ? 0 : 1;
    const whole = (offset + bytes.length) & ~1;
    const copy = new Uint8Array(whole);
    const used = whole - offset;
    if (whole > 0) {
      if (this.#half !== null) copy[0] = this.#half;
      copy.set(bytes.subarray(0, used), offset);
    }
    if (whole > 0 || this.#half === null) this.#half = used < bytes.length ? bytes[bytes.length - 1]! : null;
    return new Int16Array(copy.buffer);
  }
}
