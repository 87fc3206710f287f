import { isMainThread } from "node:worker_threads";

const loads: (() => Promise<unknown>)[] = [];

/**
 * Called by a provider's module as it is imported: `load` imports what a session of it needs, such as its SDK. Kept only
 * in a worker thread, which runs sessions: the main thread imports agents too, and must not pay for them.
 */
export function registerPreload(load: () => Promise<unknown>): void {
  if (!isMainThread) loads.push(load);
}

/** Resolves when everything registered so far is loaded; rejects with the first thing that cannot be. */
export async function preloadAll(): Promise<void> {
  await Promise.all(loads.map((load) => load()));
}
