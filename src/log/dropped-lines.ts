/**
 * The reasons for which a line was not written. `blocked`: its reader is too slow, or the volume is full, and the lines
 * that wait have reached their bound. `failed`: the descriptor or the logger refused it. `flood`: a session wrote more
 * than it may in a second.
 */
export const dropReasons = ["blocked", "failed", "flood"] as const;
export type DropReason = (typeof dropReasons)[number];

/** Counts log lines that were dropped, by all threads that share its memory. */
export class DroppedLines {
  readonly memory: SharedArrayBuffer;
  readonly #counts: BigUint64Array;

  /**
   * @param memory The memory of another thread's counter. Default: a counter of its own.
   */
  constructor(memory = new SharedArrayBuffer(dropReasons.length * BigUint64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#counts = new BigUint64Array(memory);
  }

  add(reason: DropReason, lines = 1): void {
    Atomics.add(this.#counts, dropReasons.indexOf(reason), BigInt(lines));
  }

  count(reason: DropReason): number {
    return Number(Atomics.load(this.#counts, dropReasons.indexOf(reason)));
  }
}

/** The counter of this process. Session threads share its memory. */
export const droppedLines = new DroppedLines();
