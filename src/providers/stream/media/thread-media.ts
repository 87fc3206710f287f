import type { MediaFactory } from "./media.ts";
import { loadMedia, type WeriftMediaOptions } from "./werift-media.ts";

const factories = new Map<string, Promise<MediaFactory>>();

/**
 * Resolves with the media of this thread's calls, which are loaded once. Loading takes a while, so it is
 * called ahead of a call. `baseUrl` is the address of Stream's API; null: Stream's own.
 */
export function threadMedia(baseUrl: string | null): Promise<MediaFactory> {
  const options = mediaOptions(baseUrl);
  const key = options.address ?? "";
  const factory = factories.get(key) ?? loadMedia(options);
  factories.set(key, factory);
  return factory;
}

/** Returns the options: with an emulator on this machine the media use it too. */
function mediaOptions(baseUrl: string | null): WeriftMediaOptions {
  const local = baseUrl !== null && /^(127(\.\d+){3}|localhost)$/.test(new URL(baseUrl).hostname);
  return local ? { address: "127.0.0.1" } : {};
}
