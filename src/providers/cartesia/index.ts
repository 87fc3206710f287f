/** Text to speech and speech to text by Cartesia: `new cartesia.TTS()`, `new cartesia.STT()`. */
import "../../process/node-version.ts";
import { registerPreload } from "../../agent/thread/preload.ts";
import { loadWebSocket } from "../web-socket/service-socket.ts";

export type { AccessOptions } from "./access.ts";
export { CartesiaError, type CartesiaErrorKind } from "./error.ts";
export type { SampleRate, TTSOptions } from "./options.ts";
export { STT } from "./stt.ts";
export type { STTOptions } from "./stt-options.ts";
export { TTS } from "./tts.ts";

/** Imports the client of WebSockets, so that the first call does not wait for it. */
export async function preload(): Promise<void> {
  await loadWebSocket();
}

registerPreload(preload);
