import { extname } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import type { ServerLog } from "../../log/log.ts";
import type { ToMediaThread } from "../../shared/media-port.ts";
import { loggedError } from "../log-error.ts";
import { FailureRecord } from "../threads/failure-record.ts";
import type { SharedThreadPort } from "../threads/shared-threads.ts";

export interface MediaPortThreadOptions {
  /** The UDP port, 0 for one that is free; null where sessions take ports of their own. */
  readonly port: number | null;
  readonly log: ServerLog;
  /** The entry of its thread. Default: the one of this package. */
  readonly entry?: URL;
}

/**
 * The one thread of the process through whose UDP port the packets of all sessions come. It starts when a session first asks for
 * it, and again where it was lost: then its ports close, calls through it break, and their clients connect anew. It ends with
 * the server.
 */
export class MediaPortThread {
  readonly #options: MediaPortThreadOptions;
  readonly #failures = new FailureRecord();
  #worker: Worker | null = null;
  #stopped = false;

  constructor(options: MediaPortThreadOptions) {
    this.#options = options;
  }

  /** Returns whether packets come through it. */
  get offered(): boolean {
    return this.#options.port !== null;
  }

  /** Returns a port for a session thread. The thread is started where it is not there. */
  connect(_slot: number): SharedThreadPort {
    if (!this.offered) return { port: null, refusal: "there is no media port (mediaPort, --media-port)" };
    if (this.#stopped) return { port: null, refusal: "the server is stopping" };
    if (this.#worker === null && this.#failures.pauseMs > 0)
      return { port: null, refusal: `it failed: ${this.#failures.failing?.message}` };
    this.#worker ??= this.#launch();
    const { port1, port2 } = new MessageChannel();
    this.#worker.postMessage({ port: port1 } satisfies ToMediaThread, [port1]);
    return { port: port2, refusal: "" };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#worker?.terminate();
  }

  #launch(): Worker {
    const own = new URL(`../../../workers/media-port${extname(import.meta.url)}`, import.meta.url);
    const worker = new Worker(this.#options.entry ?? own, {
      name: "media-port",
      workerData: this.#options.port,
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
    });
    worker.unref();
    let cause: Error | null = null;
    worker.on("error", (error: Error) => {
      cause = error;
    });
    worker.on("exit", (code) => this.#ended(cause ?? new Error(`Its thread ended with ${code}`)));
    return worker;
  }

  #ended(error: Error): void {
    this.#worker = null;
    if (this.#stopped) return;
    this.#failures.fail(error);
    this.#options.log.error(
      { event: "media_port_failed", err: loggedError(error) },
      "the thread of the media port has ended",
    );
  }
}
