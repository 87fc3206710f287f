/** Text to speech by ElevenLabs: `new elevenlabs.TTS()`. */
import "../../process/node-version.ts";
import { registerPreload } from "../../agent/thread/preload.ts";
import { providers } from "../../shared/providers/provider-table.ts";
import { openAhead } from "../http/connections.ts";
import { defaultBaseUrl } from "./options.ts";
import { loadSdk } from "./sdk.ts";

const { variables } = providers.elevenlabs;

export { ElevenlabsError, type ElevenlabsErrorKind } from "./error.ts";
export type { SampleRate, TextNormalization, TTSOptions, VoiceSettings } from "./options.ts";
export { TTS } from "./tts.ts";

/**
 * Loads the SDK, and begins to open a connection where the environment has a key. A voice that is created
 * later uses both. It is for a thread that waits for its session.
 */
export async function preload(): Promise<void> {
  await loadSdk();
  openAhead(variables, defaultBaseUrl);
}

registerPreload(preload);
