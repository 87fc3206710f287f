import { loadFvad } from "../../audio/detection/fvad.ts";
import { fliteThread } from "./flite-thread.ts";

/**
 * Loads what `local.STT` and `local.TTS` need: 3 ms, and in a thread of its own 100 ms and 30 MiB. Importing `greenroom/local`
 * does not: its other parts are used without them. An agent that speaks by them calls it as its module is loaded.
 */
export async function preload(): Promise<void> {
  fliteThread.start();
  await loadFvad();
}
