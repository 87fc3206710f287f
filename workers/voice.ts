/**
 * The entry of the thread that synthesises speech without a key, for all sessions. The main thread starts it, hands it the ports of
 * session threads, and ends it; no agent's code runs in it. A thread of no server starts one of its own.
 */
import { parentPort } from "node:worker_threads";
import { workInBackground } from "../src/process/thread-priority.ts";
import { FliteServer } from "../src/providers/local/flite-server.ts";
import type { ToSharedThread } from "../src/shared/protocol.ts";

const port = parentPort;
if (port === null) throw new Error("voice is the entry of a worker thread");
workInBackground();
const server = new FliteServer();
port.on("message", ({ port: user }: ToSharedThread) => server.serve(user));
