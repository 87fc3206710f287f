import { Pulse } from "../../../shared/protocol.ts";
import type { Slot } from "../../threads/slot.ts";

/** The memory that one thread holds, seen from outside it, in bytes. */
export interface ThreadHolding {
  /** The JavaScript heap in use. */
  readonly heapBytes: number;
  /** Buffers, array buffers, wasm memory and long strings, which lie outside the heap. */
  readonly externalBytes: number;
  /** The memory that the thread's own worker threads hold. */
  readonly nestedBytes: number;
  /** The heap as the kernel counts it: the part in use, and the part that V8 keeps for later. */
  readonly committedHeapBytes: number;
  /** The time at which it was read, by `performance.now()`. */
  readonly at: number;
}

export const heldBytes = ({ heapBytes, externalBytes, nestedBytes }: ThreadHolding): number =>
  heapBytes + externalBytes + nestedBytes;

/**
 * Reads how much memory threads hold. A thread in a loop answers too; one in a long native call or a garbage collection
 * answers late.
 */
export class ThreadMemory {
  readonly #holdings = new WeakMap<Slot, ThreadHolding>();
  /** The time since which each thread has not answered, by `performance.now()`. */
  readonly #asked = new WeakMap<Slot, number>();
  readonly #onRead: (slot: Slot, holding: ThreadHolding) => void;

  constructor(onRead: (slot: Slot, holding: ThreadHolding) => void) {
    this.#onRead = onRead;
  }

  /** Returns the memory that the thread held when it was last read. */
  of(slot: Slot): ThreadHolding | undefined {
    return this.#holdings.get(slot);
  }

  /** Returns the time for which the thread has not answered, in milliseconds; 0 where no question is open. */
  silentMs(slot: Slot): number {
    const askedAt = this.#asked.get(slot);
    return askedAt === undefined ? 0 : performance.now() - askedAt;
  }

  /**
   * Asks the thread, unless an earlier question is still open. Resolves with undefined where one is, or where the
   * thread has ended.
   */
  async read(slot: Slot): Promise<ThreadHolding | undefined> {
    const { thread } = slot;
    if (!thread || this.#asked.has(slot)) return undefined;
    this.#asked.set(slot, performance.now());
    try {
      const heap = await thread.getHeapStatistics();
      const holding: ThreadHolding = {
        heapBytes: heap.used_heap_size,
        externalBytes: heap.external_memory,
        nestedBytes: Atomics.load(slot.heartbeat, Pulse.nestedKilobytes) * 1_024,
        committedHeapBytes: heap.total_physical_size + heap.malloced_memory,
        at: performance.now(),
      };
      this.#holdings.set(slot, holding);
      this.#onRead(slot, holding);
      return holding;
    } catch {
      // The thread ended while it was asked.
      return undefined;
    } finally {
      this.#asked.delete(slot);
    }
  }
}
