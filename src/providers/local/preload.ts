import { loadRnnoise } from "../../audio/detection/rnnoise.ts";
import { fliteThread } from "./flite-thread.ts";

/**
 * Loads what `local.STT` and `local.TTS` need: that takes 3 ms, and in another thread, once for a server, 150 ms.
 * Importing `greenroom/local` does not load it, since the other parts work without. An agent that uses them
 * calls this function when its module is loaded.
 */
export async function preload(): Promise<void> {
  fliteThread.start();
  await loadRnnoise();
}
