import { overKeptConnections } from "../../../network/dispatcher.ts";

const openTimeoutMs = 10_000;

/** Opens a connection to each of the servers for requests to come. Carries no key, and does no harm where it fails. */
export async function openAhead(urls: readonly string[]): Promise<void> {
  await Promise.allSettled(
    urls.map(async (url) => {
      const signal = AbortSignal.timeout(openTimeoutMs);
      const answer = await fetch(`${new URL(url).origin}/`, { signal, ...overKeptConnections() });
      // Only then it is free for the next request.
      await answer.arrayBuffer();
    }),
  );
}
