import { memoryConstants } from "./memory-limits.ts";
import { heldBytes, type ThreadHolding } from "./thread-memory.ts";

/** The memory that a thread takes beside its heap, in bytes: stacks, code, caches. Measured: 6 to 10 MiB. */
const besideHeapBytes = 12 * 2 ** 20;

/** The part of the process' memory that no thread is known to hold, beyond what has always been there. */
export class UnexplainedMemory<Thread> {
  #usualBytes: number | null = null;
  #threads: ReadonlyMap<Thread, ThreadHolding | undefined> = new Map();
  /** The memory of threads that have ended since the last look: the allocator may have kept it. */
  #endedBytes = 0;

  /** Notes that a thread has ended that was thought to hold this much more than was known of it. */
  ended(bytes: number): void {
    this.#endedBytes += bytes;
  }

  /** Notes that the memory of the server itself is changing: the level that it settles at becomes the usual one. Returns 0. */
  settle(): 0 {
    this.#usualBytes = null;
    return 0;
  }

  /** Returns the part that is not explained, in bytes. `threads`: all that live, with what each is known to hold. */
  look(usedBytes: number, threads: ReadonlyMap<Thread, ThreadHolding | undefined>): number {
    for (const [thread, holding] of this.#threads)
      if (holding && !threads.has(thread)) this.#endedBytes += heldBytes(holding);
    this.#threads = threads;
    let explained = 0;
    for (const holding of threads.values()) {
      explained += besideHeapBytes;
      if (holding) explained += holding.committedHeapBytes + holding.externalBytes + holding.nestedBytes;
    }
    const bytes = Math.max(0, usedBytes - explained);
    this.#usualBytes ??= bytes + memoryConstants.spareBytes;
    const kept = Math.min(this.#endedBytes, Math.max(0, bytes - this.#usualBytes));
    this.#endedBytes = 0;
    this.#usualBytes = Math.min(this.#usualBytes + kept, bytes + memoryConstants.spareBytes);
    return Math.max(0, bytes - this.#usualBytes);
  }
}
