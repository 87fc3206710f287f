import type { JournalFile } from "./journal-file.ts";
import type { WrittenLine } from "./lines.ts";

/** The number of bytes that are written at a time. */
const batchBytes = 2 ** 20;

export interface QueuedLine {
  readonly line: WrittenLine;
  /** Called once the line is written, with the offset at which it begins. */
  readonly written: (offset: number) => void;
  /** Called where the line could not be written: then it is not tried again. A line without this is tried until it is written. */
  readonly refused?: (error: unknown) => void;
  /** Called where the line could not be written before the queue was given up. */
  readonly givenUp?: () => Promise<void>;
}

export interface LineQueueOptions {
  readonly file: () => JournalFile;
  readonly failed: (error: unknown) => void;
}

/** Writes lines to a journal in their order. Lines that come while others are written are written together. */
export class LineQueue {
  readonly #options: LineQueueOptions;
  #lines: QueuedLine[] = [];
  #writing: Promise<void> | null = null;
  /** True where the last write failed: nothing is written before `retry`. */
  #failing = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: LineQueueOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  push(line: QueuedLine): void {
    this.#lines.push(line);
    if (!this.#failing) void this.#write();
  }

  /** Tries again. Resolves once all is written, or a write has failed. Never rejects. */
  async retry(): Promise<void> {
    await this.#writing;
    this.#failing = false;
    await this.#write();
  }

  /** Stops writing until `retry` is called. */
  hold(): void {
    this.#failing = true;
  }

  /** Runs something while nothing is appended. */
  exclusively<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(run);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Writes nothing more. Resolves once `givenUp` of each line that is left has resolved. */
  async giveUp(): Promise<void> {
    this.#failing = true;
    const left = this.#lines;
    this.#lines = [];
    await Promise.all(left.map(({ givenUp }) => givenUp?.()));
  }

  #write(): Promise<void> {
    if (this.#lines.length === 0 || this.#failing) return this.#writing ?? Promise.resolve();
    this.#writing ??= this.#writeAll();
    return this.#writing;
  }

  /** Writes until nothing is left. It ends in the tick that finds that, so that a line that comes later begins it anew. */
  async #writeAll(): Promise<void> {
    while (this.#lines.length > 0 && !this.#failing) await this.exclusively(() => this.#writeSome());
    this.#writing = null;
  }

  async #writeSome(): Promise<void> {
    // Writing may have been stopped while this write waited for its turn.
    if (this.#failing) return;
    let bytes = 0;
    const end = this.#lines.findIndex(({ line }) => {
      const isFull = bytes >= batchBytes;
      bytes += line.length;
      return isFull;
    });
    const batch = this.#lines.slice(0, end < 0 ? undefined : end);
    try {
      let offset = await this.#options.file().append(Buffer.concat(batch.map(({ line }) => line.bytes)));
      // The lines may have been given up meanwhile.
      this.#lines = this.#lines.slice(this.#lines[0] === batch[0] ? batch.length : 0);
      for (const { line, written } of batch) {
        written(offset);
        offset += line.length;
      }
    } catch (error) {
      this.#failing = true;
      this.#options.failed(error);
      const refused = this.#lines.filter((line) => line.refused);
      this.#lines = this.#lines.filter((line) => !line.refused);
      for (const line of refused) line.refused?.(error);
    }
  }
}
