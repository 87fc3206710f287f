/**
 * The entry of the thread that recognises speech for all sessions of a process. The main thread starts it, hands it the ports
 * of listeners, and ends it; no agent's code runs in it.
 */
import { parentPort } from "node:worker_threads";
import { workInBackground } from "../src/process/thread-priority.ts";
import { Moonshine } from "../src/providers/local/recognition/moonshine.ts";
import { Recogniser } from "../src/providers/local/recognition/recogniser.ts";
import type {
  FromRecogniserThread,
  ToRecogniserThread,
} from "../src/shared/recognition/recogniser-thread.ts";

const port = parentPort;
if (port === null) throw new Error("speech-recogniser is the entry of a worker thread");
workInBackground();
const startedAt = performance.now();
// Where loading fails, the thread ends with the error, and the main thread reports it.
const recogniser = Moonshine.load().then((model) => {
  port.postMessage({ type: "loaded", ms: performance.now() - startedAt } satisfies FromRecogniserThread);
  return new Recogniser(model);
});
port.on("message", async ({ slot, port: listener }: ToRecogniserThread) =>
  (await recogniser).serve(slot, listener),
);
