import type { ServerLog } from "../../log/log.ts";
import { loggedError } from "../log-error.ts";
import type { SharedThreadPort } from "../threads/shared-threads.ts";
import { SharedWorker } from "../threads/shared-worker.ts";

export interface MediaPortThreadOptions {
  /** The UDP port, 0 for one that is free; null where sessions take ports of their own. */
  readonly port: number | null;
  readonly log: ServerLog;
  /** The entry of its thread. Default: the one of this package. */
  readonly entry?: URL;
}

/**
 * The one thread of the process through whose UDP port the packets of all sessions come. Where it is lost, calls through it break, and
 * their clients connect anew.
 */
export class MediaPortThread {
  /** True where packets come through it. */
  readonly offered: boolean;
  readonly #worker: SharedWorker;

  constructor({ port, log, entry }: MediaPortThreadOptions) {
    this.offered = port !== null;
    this.#worker = new SharedWorker({
      name: "media-port",
      workerData: port,
      heapMb: 64,
      entry,
      onFailure: (error) =>
        log.error(
          { event: "media_port_failed", err: loggedError(error) },
          "the thread of the media port has ended",
        ),
    });
  }

  /** Returns a port for a session thread. The thread is started where it is not there. */
  connect(): SharedThreadPort {
    if (!this.offered) return { port: null, refusal: "there is no media port (mediaPort, --media-port)" };
    return this.#worker.connect();
  }

  stop(): Promise<void> {
    return this.#worker.stop();
  }
}
