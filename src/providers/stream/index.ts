/** Calls on Stream: `new stream.Edge()`. Its SDK and the media are loaded in session threads only. */
import "../../process/node-version.ts";
import { registerPreload } from "../../agent/thread/preload.ts";
import { fromEnvironment, providers } from "../../shared/provider-table.ts";
import { openAhead } from "./coordinator/network.ts";
import { loadSdk } from "./coordinator/sdk.ts";
import { threadMedia } from "./media/thread-media.ts";
import { usersUrl, videoUrl } from "./options.ts";

const { variables } = providers.stream;

export { Edge } from "./edge.ts";
export { StreamError } from "./error.ts";
export type { StreamOptions } from "./options.ts";

/**
 * Loads the SDK and the media, and begins to open connections where the environment has a key; an edge that is made later
 * uses all of that. For a thread that waits for its call.
 */
export async function preload(): Promise<void> {
  const given = fromEnvironment(variables.baseUrl);
  const baseUrl = given !== undefined && URL.canParse(given) ? given : null;
  await Promise.all([loadSdk(), threadMedia(baseUrl)]);
  if (fromEnvironment(variables.apiKey) === undefined) return;
  // Not waited for, and no harm done where it fails: the first request then opens its own.
  void openAhead(baseUrl === null ? [videoUrl, usersUrl] : [baseUrl]);
}

registerPreload(preload);
