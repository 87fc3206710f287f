import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { DeadlineError } from "../../shared/deadline.ts";
import type { FliteOptions } from "./flite.ts";
import { shareFlite } from "./flite-module.ts";
import type { FliteAnswer, FliteRequest } from "./flite-worker.ts";

interface Job {
  readonly request: Omit<FliteRequest, "id">;
  readonly resolve: (sound: PcmFrame) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The longest time for one piece of text, the start of the thread included, in milliseconds: a hundred times
 * what it takes on an idle machine.
 */
const deadlineMs = 15_000;

/**
 * The worker thread that runs Flite for all voices of this thread. It starts when it is needed, does not keep
 * the process alive while it is idle, and ends with its last user. Pieces wait here and not in the worker, so
 * that aborted ones cost nothing.
 */
class FliteThread {
  #worker: Worker | null = null;
  #waiting: Job[] = [];
  #current: { readonly id: number; readonly job: Job; readonly timer: NodeJS.Timeout } | null = null;
  #endSharing: (() => void) | null = null;
  #ids = 0;
  #holders = 0;

  hold(): void {
    this.#holders += 1;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders > 0) return;
    this.#stop(new Error("The voice is closed"));
  }

  /** Starts the thread ahead of the first sentence, and makes it load Flite. */
  start(): void {
    this.#worker ??= this.#launch();
  }

  /**
   * Resolves with the speech of a text. It rejects with the reason of the signal at once when that fires,
   * with a `DeadlineError` after 15 s, or with Flite's error.
   */
  synthesize(text: string, options: FliteOptions, signal: AbortSignal): Promise<PcmFrame> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<PcmFrame>();
    const job: Job = { request: { text, ...options }, resolve, reject };
    const aborted = () => {
      this.#waiting = this.#waiting.filter((other) => other !== job);
      reject(signal.reason);
    };
    signal.addEventListener("abort", aborted, { once: true });
    this.#waiting.push(job);
    this.#advance();
    return promise.finally(() => signal.removeEventListener("abort", aborted));
  }

  #advance(): void {
    if (this.#current !== null) return;
    const job = this.#waiting.shift();
    if (job === undefined) {
      this.#worker?.unref();
      return;
    }
    this.#worker ??= this.#launch();
    this.#worker.ref();
    this.#ids += 1;
    const id = this.#ids;
    const timer = setTimeout(
      () => this.#stop(new DeadlineError(`Flite took longer than ${deadlineMs} ms`)),
      deadlineMs,
    );
    this.#current = { id, job, timer };
    this.#worker.postMessage({ id, ...job.request } satisfies FliteRequest);
  }

  #launch(): Worker {
    const worker = new Worker(new URL(`./flite-worker${extname(import.meta.url)}`, import.meta.url), {
      name: "flite",
      env: {},
      // Sound and the program's memory are outside the heap.
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 },
    });
    worker.unref();
    worker.on("message", (answer: FliteAnswer) => {
      if (this.#worker === worker) this.#answered(answer);
    });
    worker.on("error", (error) => this.#lost(worker, error));
    worker.on("exit", (code) => this.#lost(worker, new Error(`The thread of Flite ended with ${code}`)));
    return worker;
  }

  #answered(answer: FliteAnswer): void {
    if ("module" in answer) {
      this.#endSharing ??= shareFlite(answer.module);
      return;
    }
    const current = this.#current;
    if (current?.id !== answer.id) return;
    clearTimeout(current.timer);
    this.#current = null;
    if ("error" in answer) current.job.reject(new Error(answer.error));
    else current.job.resolve({ samples: answer.samples, sampleRate: answer.sampleRate });
    this.#advance();
  }

  /** Handles the end of the thread: the next piece starts another one. */
  #lost(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    this.#failCurrent(error);
    this.#advance();
  }

  #stop(error: Error): void {
    const worker = this.#worker;
    this.#worker = null;
    void worker?.terminate();
    this.#failCurrent(error);
    if (this.#holders > 0) {
      this.#advance();
      return;
    }
    this.#endSharing?.();
    this.#endSharing = null;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #failCurrent(error: unknown): void {
    const current = this.#current;
    if (current === null) return;
    clearTimeout(current.timer);
    this.#current = null;
    current.job.reject(error);
  }
}

/** The thread that synthesises speech; each thread has one of its own. */
export const fliteThread = new FliteThread();
