import { setImmediate } from "node:timers/promises";

/** The longest wait, in milliseconds, after which it is certain that the process did not stand still meanwhile. */
const standstillMs = 250;

/**
 * Resolves when the event loop has looked at its connections. Where the process stood still, the end of a connection
 * lies behind what has been read of it: one turn reads the request, the next one finds the end.
 */
export async function pendingEventsSeen(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await setImmediate();
}

/**
 * Resolves with whether the client has left, asked once its connection could tell. `since`: when it was last asked, by
 * `performance.now()`.
 */
export async function hasLeftSince(abandoned: () => boolean, since: number): Promise<boolean> {
  if (performance.now() - since > standstillMs) await pendingEventsSeen();
  return abandoned();
}
