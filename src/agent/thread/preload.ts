import { setTimeout as sleep } from "node:timers/promises";
import { isMainThread } from "node:worker_threads";
import { Pulse } from "../../shared/protocol.ts";

type Load = () => Promise<unknown>;

/** The values in shared memory by which the main thread sees what this one does; null in a thread of no server. */
let shared: Int32Array | null = null;

/** Has loads told to the main thread, in the thread's heartbeat. */
export function tellLoads(pulse: Int32Array): void {
  shared = pulse;
}

/**
 * Resolves with what `load` loads. Meanwhile the main thread knows that this one may stand still: it gives others sessions first, and
 * is more patient.
 */
export async function whileLoading<T>(load: () => Promise<T>): Promise<T> {
  if (shared === null) return load();
  Atomics.add(shared, Pulse.loading, 1);
  try {
    return await load();
  } finally {
    Atomics.sub(shared, Pulse.loading, 1);
  }
}

/** The time that a thread has been warm before it loads what a session may do without, in milliseconds. */
const idleAfterMs = 500;

const beforeWarm: Load[] = [];
const whileIdle: Load[] = [];

/**
 * Registers what a session of a provider needs, such as its SDK, which `load` imports. A provider's module calls it as
 * it is imported. Kept only in a worker thread, which runs sessions: the main thread imports agents too, and must not
 * pay for them.
 * @param when `warm` (default): a session cannot begin without it, so the thread is warm once it is loaded. `idle`: a
 * session asks for it later, if at all, and loads it then; a warm thread that waits for a session loads it ahead.
 */
export function registerPreload(load: Load, when: "warm" | "idle" = "warm"): void {
  if (!isMainThread) (when === "warm" ? beforeWarm : whileIdle).push(load);
}

/** Resolves when everything is loaded that a session cannot begin without; rejects with the first thing that cannot be. */
export async function preloadAll(): Promise<void> {
  await Promise.all(beforeWarm.map((load) => load()));
}

/**
 * Loads the rest, unless a session comes first. Threads that become warm in a burst of starts thus do not take the CPU
 * from those that are still to become warm. An error is left to the session that needs the part.
 */
export async function preloadWhileIdle(assigned: Promise<unknown>): Promise<void> {
  if (whileIdle.length === 0) return;
  const waiting = new AbortController();
  void assigned.then(() => waiting.abort());
  try {
    await sleep(idleAfterMs, undefined, { signal: waiting.signal, ref: false });
    for (const load of whileIdle) await whileLoading(load);
  } catch {
    // A session has come, or a part cannot be loaded.
  }
}
