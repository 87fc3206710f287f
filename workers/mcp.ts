/**
 * The entry of the thread that runs the programs of MCP servers, for all sessions. The main thread starts it, hands it the ports of session
 * threads, and tells it when to end; no agent's code runs in it.
 */
import { parentPort } from "node:worker_threads";
import { ProgramHost } from "../src/providers/mcp/hosted/program-host.ts";
import type { EndSharedThread, ToSharedThread } from "../src/shared/protocol.ts";

const port = parentPort;
if (port === null) throw new Error("mcp is the entry of a worker thread");
const host = new ProgramHost((note) => port.postMessage(note));
port.on("message", async (message: ToSharedThread | EndSharedThread) => {
  if ("port" in message) return host.serve(message.port);
  await host.close();
  process.exit();
});
