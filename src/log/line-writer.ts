import { writeSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import type { DroppedLines } from "./dropped-lines.ts";

/**
 * The longest line in bytes: PIPE_BUF of Linux. A write of that many bytes to a pipe is whole or not at all, so lines
 * of many threads never mix.
 */
export const longestLineBytes = 4_096;

/** The pause before the next try after a temporary error, in milliseconds. The line of any other error is lost. */
const readerPauseMs = 20;
const volumePauseMs = 250;
const pauses: Readonly<Record<string, number>> = {
  EAGAIN: readerPauseMs,
  ENOSPC: volumePauseMs,
  EDQUOT: volumePauseMs,
};
/** The time for which lines that still wait are tried when the process ends, in milliseconds. */
const exitPatienceMs = 1_000;
const flushPauseMs = 2;

/** Returns the message that the log has once lines are written again. */
export function droppedText(lines: number): string {
  return `${lines} log ${lines === 1 ? "line was" : "lines were"} dropped: they could not be written in time`;
}

export interface LineWriterOptions {
  /** The most bytes that wait for a slow reader or a full volume. A line beyond them is dropped. */
  readonly maxBytes: number;
  readonly dropped: DroppedLines;
  /** Called with the number of lines that were dropped once lines are written again. It may write. */
  readonly onFlowing: (dropped: number) => void;
}

/**
 * Writes lines straight to a file descriptor that does not block, in the tick that writes them wherever that is
 * possible. It never throws and never waits: lines that cannot be written wait here up to a bound, and are dropped and
 * counted beyond it.
 */
export class LineWriter {
  readonly #fd: number;
  readonly #options: LineWriterOptions;
  readonly #waiting: Uint8Array[] = [];
  #bytes = 0;
  /** The part of the first line that has been written, in bytes. */
  #offset = 0;
  #dropped = 0;
  #retry: NodeJS.Timeout | undefined;
  /** True where a part of a line was written whose rest is lost. */
  #torn = false;

  constructor(fd: number, options: LineWriterOptions) {
    this.#fd = fd;
    this.#options = options;
  }

  /** Takes one line, or several whole ones, with the line end. */
  write(line: Uint8Array): void {
    if (line.length === 0) return;
    if (this.#bytes > 0 && this.#bytes + line.length > this.#options.maxBytes) {
      this.#drop("blocked");
      return;
    }
    this.#waiting.push(line);
    this.#bytes += line.length;
    if (this.#retry === undefined) this.#advance();
  }

  /** Tries for so many milliseconds, and blocks the thread meanwhile. A full volume is tried once. */
  flush(patienceMs: number): void {
    const deadline = performance.now() + patienceMs;
    while (this.#bytes > 0) {
      const pauseMs = this.#advance();
      if (pauseMs === null || pauseMs > readerPauseMs || performance.now() > deadline) return;
      Atomics.wait(pause, 0, 0, flushPauseMs);
    }
  }

  /** Writes the lines that wait, in order. Returns the pause until the next try, or null where no line waits any more. */
  #advance(): number | null {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    let flows = false;
    for (let line = this.#waiting[0]; line !== undefined; line = this.#waiting[0]) {
      try {
        if (this.#torn) writeSync(this.#fd, newline);
        this.#torn = false;
        this.#offset += writeSync(this.#fd, line, this.#offset);
        flows = true;
        if (this.#offset >= line.length) this.#shift();
      } catch (error) {
        const pauseMs = pauses[(error as NodeJS.ErrnoException).code ?? ""];
        if (pauseMs !== undefined) return this.#goOnAfter(pauseMs);
        flows = false;
        this.#torn ||= this.#offset > 0;
        this.#shift();
        this.#drop("failed");
      }
    }
    unwritten.delete(this);
    if (flows && this.#dropped > 0) {
      const dropped = this.#dropped;
      this.#dropped = 0;
      this.#options.onFlowing(dropped);
    }
    return null;
  }

  #goOnAfter(pauseMs: number): number {
    this.#retry = setTimeout(() => this.#advance(), pauseMs).unref();
    keepForExit(this);
    return pauseMs;
  }

  #shift(): void {
    this.#bytes -= this.#waiting.shift()?.length ?? 0;
    this.#offset = 0;
  }

  #drop(reason: "blocked" | "failed"): void {
    this.#dropped += 1;
    this.#options.dropped.add(reason);
  }
}

const newline = new Uint8Array([10]);
const pause = new Int32Array(new SharedArrayBuffer(4));

/** The writers of this thread that have lines to write. */
const unwritten = new Set<LineWriter>();
let flushesAtExit = false;

/** Registers a writer to be flushed when the process ends. A session thread is ended from outside, and flushes before that. */
function keepForExit(writer: LineWriter): void {
  unwritten.add(writer);
  if (flushesAtExit || !isMainThread) return;
  flushesAtExit = true;
  process.once("exit", () => {
    const deadline = performance.now() + exitPatienceMs;
    for (const each of unwritten) each.flush(Math.max(0, deadline - performance.now()));
  });
}
