import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";

/** The longest wait for it, in milliseconds: Prometheus usually comes every 15 s. */
const longestWaitMs = 20_000;

/**
 * Waits until metrics have been read once more: what a shutdown did to calls is counted when it is over, and nobody would see
 * it. Not for long, and not where `signal` is in a hurry.
 */
export async function lastScrape(server: Server, signal?: AbortSignal): Promise<void> {
  const signals = [AbortSignal.timeout(longestWaitMs), ...(signal ? [signal] : [])];
  try {
    const request = once(server, "request", { signal: AbortSignal.any(signals) });
    const [, response] = (await request) as [IncomingMessage, ServerResponse];
    if (!response.closed) await once(response, "close", { signal: AbortSignal.any(signals) });
  } catch {
    // Nobody came, or there is no time.
  }
}
