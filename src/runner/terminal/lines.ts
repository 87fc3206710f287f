import type { Interface } from "node:readline";

/** The lines of a readline interface, kept until they are asked for. */
export class Lines {
  readonly #waiting: string[] = [];
  #reader: ((line: string | null) => void) | undefined;
  #ended = false;

  constructor(input: Interface) {
    input.on("line", (line) => {
      if (this.#reader) this.#give(line);
      else this.#waiting.push(line);
    });
    input.on("close", () => this.end());
  }

  /** Resolves with the next line; null where there is none. There is one reader at a time. */
  next(): Promise<string | null> {
    const line = this.#waiting.shift();
    if (line !== undefined) return Promise.resolve(line);
    if (this.#ended) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  /** Ends the input. Lines that were typed before can still be read. */
  end(): void {
    this.#ended = true;
    this.#give(null);
  }

  /** Ends the input, and drops lines that were typed before. */
  drop(): void {
    this.#waiting.length = 0;
    this.end();
  }

  #give(line: string | null): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.(line);
  }
}
