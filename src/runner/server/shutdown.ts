import { setTimeout as delay } from "node:timers/promises";
import type { CloseOptions, Shutdown } from "../../api/server-handle.ts";
import { endReasons } from "../../shared/end-reasons.ts";
import type { Supervisor } from "../../supervisor/supervisor.ts";

/** Announces the shutdown for a while, then waits for calls, then ends those that are left. */
export async function shutDown(
  supervisor: Supervisor,
  { announceMs = 0, timeoutMs, signal }: CloseOptions & { readonly timeoutMs: number },
): Promise<Shutdown> {
  if (announceMs > 0 && supervisor.serving && !signal?.aborted) {
    supervisor.announceDrain();
    await delay(announceMs, undefined, signal ? { signal } : {}).catch(() => undefined);
  }
  const sessions = supervisor.listSessions();
  await supervisor.drain({ timeoutMs, ...(signal ? { signal } : {}) });
  const closed = sessions.filter(
    ({ endReason }) => endReason && endReasons[endReason].isCutByShutdown,
  ).length;
  return { finished: sessions.length - closed, closed };
}
