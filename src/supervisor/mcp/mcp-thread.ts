import { setTimeout as pause } from "node:timers/promises";
import type { ServerLog } from "../../log/log.ts";
import type { McpProgramNote } from "../../shared/mcp-thread.ts";
import { loggedError } from "../log-error.ts";
import type { SharedThreadPort } from "../threads/shared-threads.ts";
import { SharedWorker } from "../threads/shared-worker.ts";

export interface McpThreadOptions {
  readonly log: ServerLog;
  /** The entry of the thread. Default: the one of this package. */
  readonly entry?: URL;
}

/** The time that programs have to end at the stop, in milliseconds: first their input ends, then there are signals. */
const endMs = 5_000;
/** The time after `SIGTERM` in which a program may end by itself where its thread is lost, in milliseconds. */
const killAfterMs = 1_000;

/**
 * The one thread of the process that runs the programs of MCP servers, for all sessions: a program is started once, not with each call.
 * Where the thread is lost its programs are ended, and sessions ask for them again.
 */
export class McpThread {
  readonly #worker: SharedWorker;
  readonly #running = new Set<number>();
  #ending: Promise<unknown> = Promise.resolve();

  constructor({ log, entry }: McpThreadOptions) {
    this.#worker = new SharedWorker({
      name: "mcp",
      heapMb: 128,
      endMs,
      entry,
      onMessage: (message) => this.#take(message as McpProgramNote),
      onEnd: () => {
        const left = [...this.#running];
        this.#running.clear();
        if (left.length > 0) this.#ending = Promise.all([this.#ending, endProcesses(left)]);
      },
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

  async stop(): Promise<void> {
    await this.#worker.stop();
    await this.#ending;
  }

  #take({ pid, isRunning }: McpProgramNote): void {
    if (isRunning) this.#running.add(pid);
    else this.#running.delete(pid);
  }
}

/** Ends processes whose input has ended already. */
async function endProcesses(pids: readonly number[]): Promise<void> {
  for (const pid of pids) signal(pid, "SIGTERM");
  await pause(killAfterMs);
  for (const pid of pids) signal(pid, "SIGKILL");
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}
