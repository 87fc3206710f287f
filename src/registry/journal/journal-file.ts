import type { BigIntStats } from "node:fs";
import { type FileHandle, open, rename, stat } from "node:fs/promises";

/** The number of bytes that are read at a time. */
const chunkBytes = 256 * 1_024;
/** The length of the longest line that is read, in bytes. No message is as long. */
const longestLine = 128 * 2 ** 20;

export interface FoundLine {
  /** The offset at which the line begins. */
  readonly offset: number;
  /** The line without its line end; null where it is too long to be one. */
  readonly bytes: Buffer | null;
}

/** A file of lines. Its owner has at most one operation under way that changes it. */
export class JournalFile {
  readonly #handle: FileHandle;
  readonly #inode: bigint;
  /** The time at which it was last written to before it was opened, in epoch milliseconds. */
  readonly modifiedAt: number;
  #path: string;
  #size: number;
  /** True where a write failed, so that bytes of it may lie behind `#size`. */
  #torn = false;

  private constructor(handle: FileHandle, path: string, { ino, size, mtimeMs }: BigIntStats) {
    this.#handle = handle;
    this.#path = path;
    this.#inode = ino;
    this.#size = Number(size);
    this.modifiedAt = Number(mtimeMs);
  }

  /** Opens a file; one that is made can be read by this user alone. `flags` are those of `open` in `node:fs`. */
  static async open(path: string, flags: string | number): Promise<JournalFile> {
    const handle = await open(path, flags, 0o600);
    try {
      return new JournalFile(handle, path, await handle.stat({ bigint: true }));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Returns the length of everything that was written completely, in bytes. */
  get size(): number {
    return this.#size;
  }

  /** Appends bytes, and resolves with their offset. Bytes that a failure left half written are removed by the next try. */
  async append(bytes: Buffer): Promise<number> {
    const offset = this.#size;
    if (this.#torn) await this.#handle.truncate(offset);
    this.#torn = true;
    await this.overwrite(offset, bytes);
    this.#torn = false;
    this.#size = offset + bytes.length;
    return offset;
  }

  /** Finds out whether so many bytes could be appended, and leaves none of them. Rejects where they cannot. */
  async probe(bytes: number): Promise<void> {
    this.#torn = true;
    await this.overwrite(this.#size, Buffer.alloc(bytes, "\n"));
    await this.#handle.truncate(this.#size);
    this.#torn = false;
  }

  async overwrite(offset: number, bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, offset + done);
      if (bytesWritten === 0) throw new Error("Nothing more could be written");
      done += bytesWritten;
    }
  }

  /** Reads bytes. Rejects where the file has not as many. */
  async read(offset: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.#handle.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) throw new Error(`The file ends at ${offset + done}`);
      done += bytesRead;
    }
    return bytes;
  }

  /** Reads the lines from the beginning on. A last one without a line end is left out. */
  async *lines(): AsyncGenerator<FoundLine> {
    let rest: Buffer[] = [];
    let restLength = 0;
    let offset = 0;
    for (let at = 0; at < this.#size; ) {
      const chunk = await this.read(at, Math.min(chunkBytes, this.#size - at));
      at += chunk.length;
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
        const length = restLength + end - start;
        const isWhole = length <= longestLine;
        yield { offset, bytes: isWhole ? Buffer.concat([...rest, chunk.subarray(start, end)]) : null };
        offset += length + 1;
        start = end + 1;
        rest = [];
        restLength = 0;
      }
      restLength += chunk.length - start;
      if (restLength <= longestLine) rest.push(chunk.subarray(start));
      else rest = [];
    }
  }

  /** Resolves with whether its path still leads to it. */
  async isInPlace(): Promise<boolean> {
    try {
      return (await stat(this.#path, { bigint: true })).ino === this.#inode;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
  }

  /** Flushes to the disk, so that everything written before survives a power cut. */
  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  /** Puts this file in the place of another one. */
  async moveTo(path: string): Promise<void> {
    await rename(this.#path, path);
    this.#path = path;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
