import { Pulse } from "../../protocol.ts";
import type { Slot } from "../slot.ts";

/** What one thread holds, seen from outside it. All in bytes. */
export interface ThreadHolding {
  /** JavaScript heap in use. */
  readonly heapBytes: number;
  /** Buffers, array buffers, wasm memory and long strings, which lie outside the heap. */
  readonly externalBytes: number;
  /** What the thread's own worker threads hold. */
  readonly nestedBytes: number;
  /** The heap as the kernel counts it: what is in use, and what V8 keeps for later. */
  readonly committedHeapBytes: number;
  /** When it was read, by `performance.now()`. */
  readonly at: number;
}

export const heldBytes = ({ heapBytes, externalBytes, nestedBytes }: ThreadHolding): number =>
  heapBytes + externalBytes + nestedBytes;

/** Reads what threads hold. A thread in a loop answers too; one in a long native call or a garbage collection answers late. */
export class ThreadMemory {
  readonly #holdings = new WeakMap<Slot, ThreadHolding>();
  /** Since when a thread owes an answer. */
  readonly #asked = new WeakMap<Slot, number>();
  readonly #onRead: (slot: Slot, holding: ThreadHolding) => void;

  constructor(onRead: (slot: Slot, holding: ThreadHolding) => void) {
    this.#onRead = onRead;
  }

  /** What the thread held when it was last read. */
  of(slot: Slot): ThreadHolding | undefined {
    return this.#holdings.get(slot);
  }

  /** For how long the thread owes an answer, in milliseconds; 0 where it owes none. */
  silentMs(slot: Slot): number {
    const askedAt = this.#asked.get(slot);
    return askedAt === undefined ? 0 : performance.now() - askedAt;
  }

  /** Asks the thread, unless it still owes an answer. Resolves to nothing where it does, or ended. */
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
