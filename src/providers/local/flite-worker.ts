/**
 * The thread in which Flite speaks: a sentence takes tens of milliseconds in one piece, in which a session thread could not
 * send a frame. A worker of the session thread, so it ends with it, whatever becomes of that.
 */
import { parentPort } from "node:worker_threads";
import { type FliteOptions, synthesize } from "./flite.ts";
import { fliteModule } from "./flite-module.ts";
import type { WasmModule } from "./web-assembly.ts";

export interface FliteRequest extends FliteOptions {
  readonly id: number;
  readonly text: string;
}

export type FliteAnswer =
  /** The program is there: for the session thread to share, which has time for it while this one speaks. */
  | { readonly module: WasmModule }
  | { readonly id: number; readonly samples: Int16Array<ArrayBuffer>; readonly sampleRate: number }
  | { readonly id: number; readonly error: string };

const port = parentPort;
if (port === null) throw new Error("flite-worker is the entry of a worker thread");
const module = fliteModule();
module.then(
  (compiled) => port.postMessage({ module: compiled } satisfies FliteAnswer),
  // Told to each request instead.
  () => {},
);

port.on("message", async ({ id, text, ...options }: FliteRequest) => {
  try {
    const { samples, sampleRate } = synthesize(await module, text, options);
    // A copy of its own where it is a part of something larger.
    const own = new Int16Array(samples);
    port.postMessage({ id, samples: own, sampleRate } satisfies FliteAnswer, [own.buffer]);
  } catch (error) {
    port.postMessage({
      id,
      error: error instanceof Error ? error.message : String(error),
    } satisfies FliteAnswer);
  }
});
