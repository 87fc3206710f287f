/** Speech to text by Deepgram: `new deepgram.STT({ eagerTurnDetection: true })`. The SDK is loaded in session threads only. */
import "../../process/node-version.ts";
import { registerPreload } from "../../agent/thread/preload.ts";
import { loadSdk } from "./connection/sdk.ts";

export { DeepgramError } from "./error.ts";
export type { DeepgramOptions } from "./options.ts";
export { STT } from "./stt.ts";

/** Imports the SDK, so that the first call does not wait for it. */
export async function preload(): Promise<void> {
  await loadSdk();
}

registerPreload(preload);
