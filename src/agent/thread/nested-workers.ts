import type { Worker } from "node:worker_threads";
import { Pulse } from "../../shared/protocol.ts";

const intervalMs = 50;

/**
 * Tells the main thread, in shared memory, how many worker threads the agent has started in this thread, and how much memory they
 * hold together: they belong to its session, and nobody else can see them.
 */
export function watchNestedWorkers(pulse: Int32Array): void {
  const held = new Map<Worker, number>();
  const asked = new Set<Worker>();
  let timer: NodeJS.Timeout | undefined;
  const tell = () => {
    const bytes = held.values().reduce((sum, one) => sum + one, 0);
    Atomics.store(pulse, Pulse.nestedWorkers, held.size);
    Atomics.store(pulse, Pulse.nestedKilobytes, Math.round(bytes / 1_024));
  };
  const read = async (worker: Worker) => {
    if (asked.has(worker)) return;
    asked.add(worker);
    try {
      const heap = await worker.getHeapStatistics();
      if (held.has(worker)) held.set(worker, heap.used_heap_size + heap.external_memory);
      tell();
    } catch {
      // It ended while it was asked.
    } finally {
      asked.delete(worker);
    }
  };
  process.on("worker", (worker) => {
    held.set(worker, 0);
    worker.once("exit", () => {
      held.delete(worker);
      if (held.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
      tell();
    });
    tell();
    timer ??= setInterval(() => {
      for (const one of held.keys()) void read(one);
    }, intervalMs).unref();
  });
}
