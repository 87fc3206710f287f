/**
 * The thread in which Flite synthesises speech. A sentence takes tens of milliseconds without a pause, in which a session
 * thread could not send a frame. It is a worker of the session thread, so that it ends with that thread.
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
  /** The compiled program, which the session thread shares while this thread is busy. */
  | { readonly module: WasmModule }
  | { readonly id: number; readonly samples: Int16Array<ArrayBuffer>; readonly sampleRate: number }
  | { readonly id: number; readonly error: string };

const port = parentPort;
if (port === null) throw new Error("flite-worker is the entry of a worker thread");
const module = fliteModule();
module.then(
  (compiled) => {
    port.postMessage({ module: compiled } satisfies FliteAnswer);
    // The first text takes 100 ms longer than those after it.
    synthesize(compiled, "Hello", { voice: "slt", pace: 1 });
  },
  // The error is reported to each request.
  () => {},
);

port.on("message", async ({ id, text, ...options }: FliteRequest) => {
  try {
    const { samples, sampleRate } = synthesize(await module, text, options);
    // A copy is transferred, since the samples may be a part of a larger buffer.
    const own = new Int16Array(samples);
    port.postMessage({ id, samples: own, sampleRate } satisfies FliteAnswer, [own.buffer]);
  } catch (error) {
    port.postMessage({
      id,
      error: error instanceof Error ? error.message : String(error),
    } satisfies FliteAnswer);
  }
});
