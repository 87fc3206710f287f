import type { MediaFactory } from "./media.ts";
import { loadMedia, type WeriftMediaOptions } from "./werift-media.ts";

const factories = new Map<string, Promise<MediaFactory>>();

/** The media of this thread's calls, loaded once; ahead of the call, since it takes a while. `baseUrl`: where Stream's API is. */
export function threadMedia(baseUrl: string | null): Promise<MediaFactory> {
  const options = mediaOptions(baseUrl);
  const key = options.address ?? "";
  const factory = factories.get(key) ?? loadMedia(options);
  factories.set(key, factory);
  return factory;
}

/** An emulator on this machine has its media there too: then nothing leaves the machine. */
function mediaOptions(baseUrl: string | null): WeriftMediaOptions {
  const local = baseUrl !== null && /^(127(\.\d+){3}|localhost)$/.test(new URL(baseUrl).hostname);
  return local ? { address: "127.0.0.1" } : {};
}
