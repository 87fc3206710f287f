import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { within } from "../../../shared/deadline.ts";
import { decodeText, readTextFile } from "../../../shared/text/text-file.ts";
import { linesOf, type ReadKeys, readKeys } from "./key-lines.ts";

/** The greatest age of the keys that a request is judged by, in milliseconds. */
export const longestAgeMs = 2_000;
/** The longest time that the file system may take to read the file, in milliseconds. */
const readTimeoutMs = 1_000;
/** The time after which a file that has changed is read again, in milliseconds, since an editor may still be writing it. */
const settleMs = 200;
/** The most times in a row that a file is read which changes from one read to the next. */
const mostReads = 3;

export interface KeyFileState extends ReadKeys {
  /** The reason why the file cannot be read, so that none of its keys is accepted; null where it was read. */
  readonly failure: Error | null;
}

/**
 * A file of keys that is read again and again. Its contents are compared, not its times, since a mount may replace it
 * by another file of the same size and time. A file that is missing, empty or cannot be read has no keys.
 */
export class KeyFile {
  readonly path: string;
  readonly #told: (state: KeyFileState) => void;
  #text: string | null = null;
  #state: KeyFileState;
  #readAt = performance.now();
  #reading: Promise<void> | undefined;

  /** Reads the file at once. `told` is called after each later read with other contents. Throws the file system's error. */
  constructor(path: string, told: (state: KeyFileState) => void) {
    this.path = path;
    this.#told = told;
    this.#text = readTextFile(path);
    this.#state = stateOf({ text: this.#text, failure: null });
  }

  /** Returns the state as of the last read. */
  get state(): KeyFileState {
    return this.#state;
  }

  /** Resolves with a state that is not older than {@link longestAgeMs}. It never rejects. */
  async current(): Promise<KeyFileState> {
    if (performance.now() - this.#readAt <= longestAgeMs) return this.#state;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    // A read that hangs goes on by itself. There is never more than one, so that it does not block other work on files.
    await within(this.#reading, readTimeoutMs, `Reading ${this.path}`).catch((error: Error) =>
      this.#take({ text: null, failure: error }),
    );
    return this.#state;
  }

  async #read(): Promise<void> {
    const startedAt = performance.now();
    let read = await readOnce(this.path);
    for (let reads = 1; read.text !== this.#text && reads < mostReads; reads += 1) {
      const { text } = read;
      await sleep(settleMs);
      read = await readOnce(this.path);
      if (read.text === text) break;
    }
    this.#readAt = startedAt;
    this.#take(read);
  }

  #take(read: Contents): void {
    if (read.text === this.#text && read.failure?.message === this.#state.failure?.message) return;
    this.#text = read.text;
    this.#state = stateOf(read);
    this.#told(this.#state);
  }
}

interface Contents {
  readonly text: string | null;
  readonly failure: Error | null;
}

async function readOnce(path: string): Promise<Contents> {
  try {
    return { text: decodeText(await readFile(path)), failure: null };
  } catch (error) {
    return { text: null, failure: error instanceof Error ? error : new Error(String(error)) };
  }
}

const stateOf = ({ text, failure }: Contents): KeyFileState => ({
  ...readKeys(text === null ? [] : linesOf(text)),
  failure,
});
