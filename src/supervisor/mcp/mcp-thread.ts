import type { ServerLog } from "../../log/log.ts";
import { loggedError } from "../log-error.ts";
import type { SharedThreadPort } from "../threads/shared-threads.ts";
import { SharedWorker } from "../threads/shared-worker.ts";

export interface McpThreadOptions {
  readonly log: ServerLog;
}

/** The time that programs have to end at the stop, in milliseconds: first their input ends, then there are signals. */
const endMs = 5_000;

/**
 * The one thread of the process that runs the programs of MCP servers, for all sessions: a program is started once, not with each call.
 * Where the thread is lost its programs end, and sessions ask for them again.
 */
export class McpThread {
  readonly #worker: SharedWorker;

  constructor({ log }: McpThreadOptions) {
    this.#worker = new SharedWorker({
      name: "mcp",
      heapMb: 128,
      endMs,
      onFailure: (error) =>
        log.error(
          { event: "mcp_failed", err: loggedError(error) },
          "the thread that runs the programs of MCP servers has ended",
        ),
    });
  }

  /** Returns a port for a session thread. The thread is started where it is not there. */
  connect(): SharedThreadPort {
    return this.#worker.connect();
  }

  stop(): Promise<void> {
    return this.#worker.stop();
  }
}
