import { constants, fstatSync, openSync } from "node:fs";

const opened = new Map<1 | 2, number>();

/**
 * Returns a descriptor for standard output (1) or error (2) on which a write never blocks: where its reader is too
 * slow, the write fails with EAGAIN. It is for the main thread; the number is valid in all threads. It is opened once a
 * process.
 */
export function outputDescriptor(fd: 1 | 2): number {
  const known = opened.get(fd);
  if (known !== undefined) return known;
  const descriptor = reopened(fd) ?? unblocked(fd);
  opened.set(fd, descriptor);
  return descriptor;
}

/**
 * Opens a pipe or a terminal anew, since the flag belongs to the open file description: other processes that share it
 * would get EAGAIN, and a child process that inherits it removes the flag again. Returns null for a file, which has no
 * slow reader, and whose position must stay shared.
 */
function reopened(fd: 1 | 2): number | null {
  try {
    const stat = fstatSync(fd);
    if (!stat.isFIFO() && !stat.isCharacterDevice()) return null;
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return null;
  }
}

/**
 * Returns the descriptor itself, made not to block. Sockets cannot be opened anew, nor can pipes that belong to another
 * user: Node sets the flag when the stream is made.
 */
function unblocked(fd: 1 | 2): number {
  void (fd === 1 ? process.stdout : process.stderr);
  return fd;
}
