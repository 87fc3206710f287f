/** Samples in the order in which they came. */
export class SampleQueue {
  #samples: Int16Array;
  #start = 0;
  #end = 0;

  /** @param capacity What is made room for at first; it grows where more is pushed. */
  constructor(capacity: number) {
    this.#samples = new Int16Array(capacity);
  }

  get length(): number {
    return this.#end - this.#start;
  }

  push(samples: Int16Array): void {
    this.#makeRoom(samples.length);
    this.#samples.set(samples, this.#end);
    this.#end += samples.length;
  }

  pushSilence(length: number): void {
    this.#makeRoom(length);
    this.#samples.fill(0, this.#end, this.#end + length);
    this.#end += length;
  }

  /** Returns a copy of the oldest samples, and removes them. Throws a `RangeError` where there are fewer. */
  take(length: number): Int16Array {
    if (length > this.length) throw new RangeError(`There are ${this.length} samples, not ${length}`);
    const taken = this.#samples.slice(this.#start, this.#start + length);
    this.#start += length;
    return taken;
  }

  #makeRoom(length: number): void {
    if (this.#end + length <= this.#samples.length) return;
    const wanted = this.length + length;
    const room = wanted <= this.#samples.length ? this.#samples : new Int16Array(2 * wanted);
    room.set(this.#samples.subarray(this.#start, this.#end));
    this.#samples = room;
    this.#end -= this.#start;
    this.#start = 0;
  }
}
