import { setTimeout as delay } from "node:timers/promises";
import { endReasons } from "../../shared/end-reasons.ts";
import type { Supervisor } from "../../supervisor/supervisor.ts";

export interface CloseOptions {
  /** The time that starts are still accepted while probes say no, in milliseconds. Default 0. */
  readonly announceMs?: number;
  /** The time that running calls may then go on, in milliseconds. Default: `drainTimeoutMs` of the options. */
  readonly timeoutMs?: number;
  /** Aborted, it ends both waits: running calls are asked to close at once. */
  readonly signal?: AbortSignal;
}

/** The numbers of calls that ran when starts were first refused, by how they ended. */
export interface Shutdown {
  /** Calls that ended by themselves. */
  readonly finished: number;
  /** Calls that were asked to close, or did not even do that. */
  readonly closed: number;
}

/** Announces it for a while, then lets calls end, then ends them. */
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
