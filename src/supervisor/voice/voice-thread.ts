import type { ServerLog } from "../../log/log.ts";
import { loggedError } from "../log-error.ts";
import type { SharedThreadPort } from "../threads/shared-threads.ts";
import { SharedWorker } from "../threads/shared-worker.ts";

export interface VoiceThreadOptions {
  readonly log: ServerLog;
  /** The entry of its thread. Default: the one of this package. */
  readonly entry?: URL;
}

/** The time after it was started, or has ended, until the memory of the process is what it will be, in milliseconds. */
const settleMs = 2_000;

/**
 * The one thread of the process that synthesises speech without a key, for all sessions: its program takes 80 MiB and 150 ms of CPU to
 * load, which no session should pay. Where it is lost, sessions start threads of their own until it is there again.
 */
export class VoiceThread {
  readonly #worker: SharedWorker;

  constructor({ log, entry }: VoiceThreadOptions) {
    this.#worker = new SharedWorker({
      name: "voice",
      // Each sentence has 30 MiB of memory outside the heap. With a limit of 16 V8 collects garbage for most of the time.
      heapMb: 64,
      entry,
      onFailure: (error) =>
        log.error(
          { event: "voice_failed", err: loggedError(error) },
          "the thread of the voice that needs no key has ended",
        ),
    });
  }

  /** Returns whether the memory of the process changes by it at the moment. */
  get settling(): boolean {
    return performance.now() - this.#worker.changedAt < settleMs;
  }

  /** Returns a port for a session thread. The thread is started where it is not there. */
  connect(): SharedThreadPort {
    return this.#worker.connect();
  }

  stop(): Promise<void> {
    return this.#worker.stop();
  }
}
