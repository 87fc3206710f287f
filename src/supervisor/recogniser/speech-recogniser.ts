import { extname } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import type { ServerLog } from "../../log/log.ts";
import { DeadlineError } from "../../shared/deadline.ts";
import type { FromRecogniserThread, ToRecogniserThread } from "../../shared/recognition/recogniser-thread.ts";
import { speechModel } from "../../shared/recognition/speech-model.ts";
import { loggedError } from "../log-error.ts";
import { FailureRecord } from "../threads/failure-record.ts";
import type { SharedThreadPort } from "../threads/shared-threads.ts";
import type { RecogniserChoice } from "./recogniser-choice.ts";

const MiB = 2 ** 20;

export interface SpeechRecogniserOptions {
  readonly choice: RecogniserChoice;
  /** Returns the memory that the process may use more before threads are ended for it, in bytes. */
  readonly roomBytes: () => number;
  readonly log: ServerLog;
  /** The entry of its thread. Default: the one of this package. */
  readonly entry?: URL;
}

/**
 * The time after it was loaded, or has ended, until the memory of the process is what it will be, in milliseconds.
 */
const settleMs = 1_000;
/** The time for which it is not started after it was ended for memory, in milliseconds. */
const shedForMs = 300_000;
/** The longest time that loading may take, in milliseconds: 4 s of CPU, on a busy machine. */
const loadTimeoutMs = 60_000;
/** The number of failures in a row after which it is given up. */
const mostFailures = 3;

/**
 * The one thread of the process that recognises speech, for all sessions. It starts when a participant is first to be heard,
 * and again after it has ended unexpectedly: its ports close then, and their listeners ask for new ones. It ends with
 * the server.
 *
 *   none ──ask──▶ loading ──▶ loaded
 *     ▲              └──────────┴──── ended, by itself, for memory, or by the stop
 */
export class SpeechRecogniser {
  readonly #options: SpeechRecogniserOptions;
  readonly #failureRecord = new FailureRecord();
  #worker: Worker | null = null;
  /** Ports that wait for the pause after a failure. */
  #waiting: ToRecogniserThread[] = [];
  #timer: NodeJS.Timeout | undefined;
  #loading = false;
  #settledAt = 0;
  #shedAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #stopped = false;

  constructor(options: SpeechRecogniserOptions) {
    this.#options = options;
  }

  /** Returns the name of its model; null where agents cannot use it. */
  get model(): string | null {
    return this.#options.choice.offered ? speechModel.name : null;
  }

  /** Returns whether the memory of the process changes by it at the moment. */
  get settling(): boolean {
    return this.#loading || performance.now() - this.#settledAt < settleMs;
  }

  /** Returns a port for one listener in the session thread of this slot. The thread is started where it is not there. */
  connect(slot: number): SharedThreadPort {
    const refusal = this.#refusal();
    if (refusal !== null) return { port: null, refusal };
    const { port1, port2 } = new MessageChannel();
    this.#waiting.push({ slot, port: port1 });
    if (this.#worker !== null) this.#handOver(this.#worker);
    else this.#launchLater();
    return { port: port2, refusal: "" };
  }

  /** Ends it, to give back its memory, before a session that took no more than it may is ended. Returns whether there was one. */
  shed(): boolean {
    if (this.#worker === null) return false;
    this.#shedAt = performance.now();
    this.#options.log.warn(
      { event: "recogniser_ended_for_memory", memory_mb: speechModel.bytes / MiB },
      "The local speech recogniser is ended, since the process has too little memory left",
    );
    const worker = this.#worker;
    this.#worker = null;
    this.#loading = false;
    this.#settledAt = performance.now();
    void worker.terminate();
    return true;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const { port } of this.#waiting.splice(0)) port.close();
    await this.#worker?.terminate();
  }

  #refusal(): string | null {
    const { choice, roomBytes } = this.#options;
    if (!choice.offered) return choice.reason;
    if (this.#stopped) return "the server is stopping";
    if (this.#worker !== null) return null;
    if (this.#failures >= mostFailures) return `it failed: ${this.#failureRecord.failing?.message}`;
    if (performance.now() - this.#shedAt < shedForMs) return "the process had too little memory for it";
    const room = roomBytes();
    if (room >= speechModel.bytes) return null;
    const [has, needs] = [room, speechModel.bytes].map(
      (bytes) => `${Math.max(0, Math.round(bytes / MiB))} MiB`,
    );
    return `it needs ${needs} of memory, and the process has ${has} left`;
  }

  #launchLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // The listeners that asked may have left.
      if (this.#waiting.length > 0) this.#handOver(this.#launch());
    }, this.#failureRecord.pauseMs);
  }

  #handOver(worker: Worker): void {
    for (const message of this.#waiting.splice(0)) {
      try {
        worker.postMessage(message, [message.port]);
      } catch {
        // The listener has closed its port, and a closed port cannot be transferred.
      }
    }
  }

  #launch(): Worker {
    const own = new URL(`../../../workers/speech-recogniser${extname(import.meta.url)}`, import.meta.url);
    const worker = new Worker(this.#options.entry ?? own, {
      name: "recogniser",
      env: {},
      // The runtime may print lines, which nobody needs.
      stdout: true,
      stderr: true,
      // The limit is low since the model lies outside the heap.
      resourceLimits: { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 8 },
    });
    this.#worker = worker;
    this.#loading = true;
    worker.unref();
    // Output that is not read would fill the memory.
    worker.stdout.resume();
    worker.stderr.resume();
    let cause: Error | null = null;
    const overdue = setTimeout(() => {
      cause = new DeadlineError(`Loading took longer than ${loadTimeoutMs} ms`);
      void worker.terminate();
    }, loadTimeoutMs).unref();
    worker.on("message", ({ ms }: FromRecogniserThread) => {
      clearTimeout(overdue);
      if (this.#worker === worker) this.#loaded(ms);
    });
    worker.on("error", (error: Error) => {
      cause = error;
    });
    worker.on("exit", (code) => {
      clearTimeout(overdue);
      if (this.#worker === worker) this.#ended(cause ?? new Error(`Its thread ended with ${code}`));
    });
    return worker;
  }

  #loaded(ms: number): void {
    this.#loading = false;
    this.#settledAt = performance.now();
    this.#failures = 0;
    this.#failureRecord.succeed();
    const took = `${(ms / 1_000).toFixed(1)} s`;
    this.#options.log.info(
      {
        event: "recogniser_loaded",
        model: speechModel.name,
        load_ms: Math.round(ms),
        memory_mb: speechModel.bytes / MiB,
      },
      `Speech is recognised here, without a key: ${speechModel.name} (English), loaded in ${took}, some ${speechModel.bytes / MiB} MiB ` +
        "once and 17 % of a core for each caller while they talk; --no-local-stt leaves it out",
    );
  }

  #ended(error: Error): void {
    this.#worker = null;
    this.#loading = false;
    this.#settledAt = performance.now();
    if (this.#stopped) return;
    this.#failures += 1;
    this.#failureRecord.fail(error);
    this.#options.log.error(
      { event: "recogniser_failed", err: loggedError(error) },
      "The local speech recogniser has ended",
    );
  }
}
