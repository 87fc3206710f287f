/** Calls on Stream: `new stream.Edge()`. The SDK and the media are loaded in session threads only. */
import "../../process/node-version.ts";
import { registerPreload } from "../../agent/thread/preload.ts";
import { overKeptConnections } from "../../network/dispatcher.ts";
import { fromEnvironment, providers } from "../../shared/providers/provider-table.ts";
import { loadSdk } from "./coordinator/sdk.ts";
import { threadMedia } from "./media/thread-media.ts";
import { usersUrl, videoUrl } from "./options.ts";

const { variables } = providers.stream;

/** The longest wait for the response by which a connection is opened ahead, in milliseconds. */
const openTimeoutMs = 10_000;

export { Edge } from "./edge.ts";
export { StreamError } from "./error.ts";
export type { StreamOptions } from "./options.ts";

/**
 * Loads the SDK and the media, and begins to open connections where the environment has a key. An edge that
 * is created later uses all of that. It is for a thread that waits for its session.
 */
export async function preload(): Promise<void> {
  const given = fromEnvironment(variables.baseUrl);
  const baseUrl = given !== undefined && URL.canParse(given) ? given : null;
  await Promise.all([loadSdk(), threadMedia(baseUrl)]);
  if (fromEnvironment(variables.apiKey) === undefined) return;
  // This is not awaited. Where it fails, the first request opens a connection.
  void openAhead(baseUrl === null ? [videoUrl, usersUrl] : [baseUrl]);
}

/** Opens a connection to each of the servers for later requests. The requests carry no key. It never rejects. */
async function openAhead(urls: readonly string[]): Promise<void> {
  await Promise.allSettled(
    urls.map(async (url) => {
      const signal = AbortSignal.timeout(openTimeoutMs);
      const response = await fetch(`${new URL(url).origin}/`, { signal, ...overKeptConnections() });
      // The connection can be used again once the body was read.
      await response.arrayBuffer();
    }),
  );
}

registerPreload(preload);
