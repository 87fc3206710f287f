import { writeSync } from "node:fs";

/** PIPE_BUF of Linux: a write of that many bytes to a pipe is whole or not at all, so lines of many threads never mix. */
export const longestLineBytes = 4_096;

/** Longest that one line may hold up its thread where the reader is slow. */
const patienceMs = 20;
const pauseMs = 1;

const newline = new Uint8Array([10]);

/**
 * Writes lines straight to a file descriptor: past the main thread, which a flood of them must not slow down. A pipe of
 * the process may not block: where it is full, it answers EAGAIN.
 */
export class LineWriter {
  readonly #fd: number;
  readonly #pause = new Int32Array(new SharedArrayBuffer(4));
  /** A line was cut in the middle, as a socket may do it. */
  #torn = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Returns false where nobody takes the line in time. */
  write(line: Uint8Array): boolean {
    const deadline = performance.now() + patienceMs;
    if (this.#torn && this.#writeAll(newline, deadline) < newline.length) return false;
    const written = this.#writeAll(line, deadline);
    this.#torn = written > 0 && written < line.length;
    return written === line.length;
  }

  /** Returns how many bytes were taken. */
  #writeAll(bytes: Uint8Array, deadline: number): number {
    let offset = 0;
    while (offset < bytes.length) {
      try {
        offset += writeSync(this.#fd, bytes, offset);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== "EAGAIN" || performance.now() > deadline) break;
        Atomics.wait(this.#pause, 0, 0, pauseMs);
      }
    }
    return offset;
  }
}
