import type { ServerLog } from "../../log/log.ts";
import { within } from "../../shared/deadline.ts";
import type { Session } from "./session.ts";

export interface CallWaitOptions {
  readonly timeoutMs: number;
  /** The signal that ends the wait at once. */
  readonly signal?: AbortSignal;
}

/** Waits for these calls to end by themselves, for `timeoutMs` at the most. Never rejects. */
export async function waitForCalls(
  sessions: readonly Session[],
  { timeoutMs, signal }: CallWaitOptions,
  log: ServerLog,
): Promise<void> {
  if (sessions.length === 0 || signal?.aborted) return;
  log.info(
    { event: "calls_awaited", sessions: sessions.length, timeout_ms: timeoutMs },
    "The shutdown waits for calls to end",
  );
  const ended = Promise.all(sessions.map((session) => session.ended));
  await within(ended, timeoutMs, "Waiting for calls", signal).catch(() => undefined);
}
