import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";

/** The longest wait for it, in milliseconds: Prometheus usually comes every 15 s. */
const longestWaitMs = 20_000;

/**
 * Waits until the metrics have been read once more, so that the ends of the calls that a shutdown closed are seen.
 * Resolves after {@link longestWaitMs} at the latest, and at once when `signal` is aborted.
 */
export async function lastScrape(server: Server, signal?: AbortSignal): Promise<void> {
  const signals = [AbortSignal.timeout(longestWaitMs), ...(signal ? [signal] : [])];
  try {
    const request = once(server, "request", { signal: AbortSignal.any(signals) });
    const [, response] = (await request) as [IncomingMessage, ServerResponse];
    if (!response.closed) await once(response, "close", { signal: AbortSignal.any(signals) });
  } catch {
    // No scrape came in time, or `signal` was aborted.
  }
}
