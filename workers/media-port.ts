/**
 * The entry of the thread through whose UDP port the packets of all sessions come. The main thread starts it, hands it the ports
 * of session threads, and ends it; no agent's code runs in it.
 */
import { parentPort, workerData } from "node:worker_threads";
import { MediaPort } from "../src/media/port/media-port.ts";
import type { ToSharedThread } from "../src/shared/protocol.ts";

const port = parentPort;
if (port === null) throw new Error("media-port is the entry of a worker thread");
const media = await MediaPort.open(workerData as number);
port.on("message", ({ port: session }: ToSharedThread) => media.serve(session));
