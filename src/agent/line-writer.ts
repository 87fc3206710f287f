import { writeSync } from "node:fs";

/** PIPE_BUF of Linux: a write of that many bytes to a pipe is whole or not at all, so lines of many threads never mix. */
export const longestLineBytes = 4_096;

/** Longest that one line may hold up its thread where the reader of the pipe is slow. */
const patienceMs = 20;
const pauseMs = 1;

const pause = new Int32Array(new SharedArrayBuffer(4));

/**
 * Writes a line straight to a file descriptor: past the main thread, which a flood of lines must not slow down. Pipes of
 * the process do not block, so a full one answers EAGAIN. Returns false where nobody takes the line.
 */
export function writeLine(fd: number, line: Uint8Array): boolean {
  const deadline = performance.now() + patienceMs;
  let offset = 0;
  while (offset < line.length) {
    try {
      offset += writeSync(fd, line, offset);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EAGAIN" || performance.now() > deadline) return false;
      Atomics.wait(pause, 0, 0, pauseMs);
    }
  }
  return true;
}
