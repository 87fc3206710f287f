import { MessagePort, parentPort } from "node:worker_threads";

/**
 * Closes the port over which Piscina gives this thread its tasks. The thread has its one task, and answers nothing. Whatever
 * an agent's code sent over it would be an error within Piscina, in the main thread, that nobody catches. Piscina keeps the port to
 * itself: it is found among the active handles, beside those of `kept`.
 */
export function closePoolPort(kept: MessagePort): void {
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): readonly unknown[] };
  const ports = handles.call(process).filter((handle) => handle instanceof MessagePort);
  for (const port of ports) if (port !== parentPort && port !== kept) port.close();
}
