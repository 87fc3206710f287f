/** Lines and bytes that may go out within each second. */
export interface LineBudgetLimits {
  readonly lines: number;
  readonly bytes: number;
}

const windowMs = 1_000;

/** Counts what goes out, and what had to be dropped: a flood of console output must not fill the log, nor hurt its readers. */
export class LineBudget {
  readonly #limits: LineBudgetLimits;
  readonly #onDropped: (lines: number) => void;
  #windowEndsAt = 0;
  #lines = 0;
  #bytes = 0;
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Makes a budget that is whole. `onDropped` is called once for each second in which lines were dropped, when it is over. */
  constructor(limits: LineBudgetLimits, onDropped: (lines: number) => void) {
    this.#limits = limits;
    this.#onDropped = onDropped;
  }

  /** Returns whether one more line may go out. A line that may not counts as dropped. */
  admit(): boolean {
    if (performance.now() >= this.#windowEndsAt) this.#nextWindow();
    if (this.#lines < this.#limits.lines && this.#bytes < this.#limits.bytes) return true;
    this.#drop();
    return false;
  }

  spend(bytes: number): void {
    this.#lines++;
    this.#bytes += bytes;
  }

  /** Tells what was dropped, though its second is not over. */
  flush(): void {
    this.#nextWindow();
  }

  #drop(): void {
    this.#dropped++;
    this.#timer ??= setTimeout(() => this.#nextWindow(), this.#windowEndsAt - performance.now()).unref();
  }

  #nextWindow(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#windowEndsAt = performance.now() + windowMs;
    this.#lines = 0;
    this.#bytes = 0;
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.#onDropped(dropped);
  }
}
