import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { CloseOptions, Shutdown } from "../../api/server-handle.ts";
import { endReasons } from "../../shared/end-reasons.ts";
import type { Supervisor } from "../../supervisor/supervisor.ts";

/** The longest wait for a last scrape, in milliseconds: Prometheus usually comes every 15 s. */
const longestScrapeWaitMs = 20_000;

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
  const handedOver = sessions.filter(({ isElsewhere }) => isElsewhere).length;
  const closed = sessions.filter(
    ({ endReason, isElsewhere }) => !isElsewhere && endReason && endReasons[endReason].isCutByShutdown,
  ).length;
  return { finished: sessions.length - closed - handedOver, closed, handedOver };
}

/**
 * Waits until the metrics have been read once more, so that the ends of the calls that a shutdown closed are seen.
 * Resolves after {@link longestScrapeWaitMs} at the latest, and at once when `signal` is aborted.
 */
export async function lastScrape(server: Server, signal?: AbortSignal): Promise<void> {
  const signals = [AbortSignal.timeout(longestScrapeWaitMs), ...(signal ? [signal] : [])];
  try {
    const request = once(server, "request", { signal: AbortSignal.any(signals) });
    const [, response] = (await request) as [IncomingMessage, ServerResponse];
    if (!response.closed) await once(response, "close", { signal: AbortSignal.any(signals) });
  } catch {
    // No scrape came in time, or `signal` was aborted.
  }
}
