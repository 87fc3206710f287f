/** ElevenLabs' voices. */
import "../../process/node-version.ts";
import { registerPreload } from "../../agent/thread/preload.ts";
import { fromEnvironment } from "../access.ts";
import { Connections } from "../connections.ts";
import { defaultBaseUrl } from "./options.ts";
import { loadSdk } from "./sdk.ts";

export { ElevenlabsError, type ElevenlabsErrorKind } from "./error.ts";
export type { SampleRate, TextNormalization, TTSOptions, VoiceSettings } from "./options.ts";
export { TTS } from "./tts.ts";

/**
 * Loads the SDK, and begins to open a connection where the environment has a key; a voice that is made later uses both.
 * For a thread that waits for its call.
 */
export async function preload(): Promise<void> {
  await loadSdk();
  if (fromEnvironment("ELEVENLABS_API_KEY") === undefined) return;
  const baseUrl = fromEnvironment("ELEVENLABS_BASE_URL") ?? defaultBaseUrl;
  if (!URL.canParse(baseUrl)) return;
  // Not waited for, and no harm done where it fails: the first request then opens its own.
  Connections.to(baseUrl)
    .prepare()
    .catch(() => undefined);
}

registerPreload(preload);
