import { once } from "node:events";
import { extname } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import type { EndSharedThread, ToSharedThread } from "../../shared/protocol.ts";
import { FailureRecord } from "./failure-record.ts";
import type { SharedThreadPort } from "./shared-threads.ts";

export interface SharedWorkerOptions {
  /** The name of the thread, and of its entry in `workers/`. */
  readonly name: string;
  readonly workerData?: unknown;
  readonly heapMb: number;
  /**
   * The time that it is given at the stop to end by itself, in milliseconds.
   * @default none: it is ended at once
   */
  readonly endMs?: number;
  /** Takes what it posts to the main thread. */
  readonly onMessage?: (message: unknown) => void;
  /** Called when it has ended, for whatever reason. */
  readonly onEnd?: () => void;
  /** Called when it has ended unexpectedly. */
  readonly onFailure: (error: Error) => void;
  /** The entry of the thread. Default: the one of this package. */
  readonly entry?: URL | undefined;
}

/**
 * A thread that all sessions of the process share. It starts when a session first asks for it, and again where it was lost: its ports
 * close then, and their users ask for new ones. It ends with the server.
 */
export class SharedWorker {
  readonly #options: SharedWorkerOptions;
  readonly #failures = new FailureRecord();
  #worker: Worker | null = null;
  #changedAt = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(options: SharedWorkerOptions) {
    this.#options = options;
  }

  /** Returns the time at which it was started, or has ended, by `performance.now()`. */
  get changedAt(): number {
    return this.#changedAt;
  }

  /** Returns a port for a session thread. The thread is started where it is not there. */
  connect(): SharedThreadPort {
    if (this.#stopped) return { port: null, refusal: "the server is stopping" };
    if (this.#worker === null && this.#failures.pauseMs > 0)
      return { port: null, refusal: `it failed: ${this.#failures.failing?.message}` };
    this.#worker ??= this.#launch();
    const { port1, port2 } = new MessageChannel();
    this.#worker.postMessage({ port: port1 } satisfies ToSharedThread, [port1]);
    return { port: port2, refusal: "" };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const worker = this.#worker;
    const { endMs } = this.#options;
    if (worker === null) return;
    if (endMs !== undefined) {
      // Until now nothing waited for it.
      worker.ref();
      worker.postMessage({ type: "end" } satisfies EndSharedThread);
      await once(worker, "exit", { signal: AbortSignal.timeout(endMs) }).catch(() => undefined);
    }
    await worker.terminate();
  }

  #launch(): Worker {
    const { name, workerData, heapMb, entry, onMessage } = this.#options;
    const own = new URL(`../../../workers/${name}${extname(import.meta.url)}`, import.meta.url);
    const worker = new Worker(entry ?? own, {
      name,
      workerData,
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 8 },
    });
    if (onMessage !== undefined) worker.on("message", onMessage);
    // After its listeners, which would have the process wait for it.
    worker.unref();
    this.#changedAt = performance.now();
    let cause: Error | null = null;
    worker.on("error", (error: Error) => {
      cause = error;
    });
    worker.on("exit", (code) => this.#ended(cause ?? new Error(`Its thread ended with ${code}`)));
    return worker;
  }

  #ended(error: Error): void {
    this.#worker = null;
    this.#changedAt = performance.now();
    this.#options.onEnd?.();
    if (this.#stopped) return;
    this.#failures.fail(error);
    this.#options.onFailure(error);
  }
}
