/** The most characters of state that a thread tells in a second: a quarter of what it may send. */
const mostInSecond = 2 ** 20;

/** Has the server keep the state of a call: at each step, or soon after where the steps come fast and the state is long. */
export class StateKeeper {
  readonly #write: () => string | null;
  readonly #keep: (state: string | null) => void;
  #second = { begunAt: 0, characters: 0 };
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  readonly #onTooLong: () => void;
  #isTooLong = false;

  /**
   * @param write A function that returns the state as it is; null where it is too long to be kept.
   * @param keep A function that has it kept in place of the one before.
   * @param onTooLong Called the first time that it is too long.
   */
  constructor(
    write: () => string | null,
    keep: (state: string | null) => void,
    onTooLong: () => void = () => {},
  ) {
    this.#write = write;
    this.#keep = keep;
    this.#onTooLong = onTooLong;
  }

  /** Notes that the call has come a step further. */
  step(): void {
    if (this.#closed || this.#timer !== null) return;
    const sinceMs = performance.now() - this.#second.begunAt;
    if (sinceMs > 1_000) this.#second = { begunAt: performance.now(), characters: 0 };
    else if (this.#second.characters >= mostInSecond) {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.step();
      }, 1_001 - sinceMs);
      return;
    }
    this.#second.characters += this.#tell()?.length ?? 0;
  }

  /** Has the state kept at once. Returns whether it can be kept. */
  final(): boolean {
    clearTimeout(this.#timer ?? undefined);
    this.#timer = null;
    return this.#tell() !== null;
  }

  #tell(): string | null {
    const state = this.#write();
    this.#keep(state);
    if (state === null && !this.#isTooLong) {
      this.#isTooLong = true;
      this.#onTooLong();
    }
    return state;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer ?? undefined);
  }
}
