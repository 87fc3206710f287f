import { extname } from "node:path";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { sharedThreads } from "../../agent/thread/shared-threads.ts";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { DeadlineError } from "../../shared/deadline.ts";
import type { ToSharedThread } from "../../shared/protocol.ts";
import type { FliteOptions } from "./flite.ts";
import type { FliteAnswer, FliteRequest } from "./flite-server.ts";

interface Job {
  readonly request: Omit<FliteRequest, "id">;
  readonly resolve: (sound: PcmFrame) => void;
  readonly reject: (error: unknown) => void;
  tries: number;
}

/** A way to a thread that runs Flite. `end` gives it up, with the thread where that is our own. */
interface Line {
  readonly port: MessagePort;
  readonly end: () => void;
  /** The error of which our own thread has ended; undefined where it has not, or is the server's, which logs it. */
  readonly failure: () => Error | undefined;
}

/**
 * The longest time for one piece of text, the start of the thread included, in milliseconds: a hundred times
 * what it takes on an idle machine.
 */
const deadlineMs = 15_000;
/** The most times that a piece is tried, where the thread is lost: a piece that ends the thread would end it for ever. */
const mostTries = 2;

/**
 * The way of all voices of this thread to the one that runs Flite: in a server that is one thread for all sessions, elsewhere a worker
 * of this thread. It is connected when it is needed, does not keep the process alive while it is idle, and ends with its last user.
 * Pieces wait here and not there, so that aborted ones cost nothing.
 */
class FliteThread {
  #line: Line | null = null;
  /** The attempt to connect that counts; null where none is under way. */
  #connecting: symbol | null = null;
  #waiting: Job[] = [];
  #current: { readonly id: number; readonly job: Job; readonly timer: NodeJS.Timeout } | null = null;
  /** False once the thread of the server was lost while it had something to do, or did not answer in time. */
  #shares = true;
  #ids = 0;
  #holders = 0;

  hold(): void {
    this.#holders += 1;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders > 0) return;
    const error = new Error("The voice is closed");
    this.#connecting = null;
    this.#drop(this.#line);
    this.#failCurrent(error);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  /** Connects ahead of the first sentence, and has Flite loaded. */
  start(): void {
    if (this.#line === null && this.#connecting === null) void this.#connect();
  }

  /**
   * Resolves with the speech of a text. It rejects with the reason of the signal at once when that fires,
   * with a `DeadlineError` after 15 s, or with Flite's error.
   */
  synthesize(text: string, options: FliteOptions, signal: AbortSignal): Promise<PcmFrame> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<PcmFrame>();
    const job: Job = { request: { text, ...options }, resolve, reject, tries: 0 };
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
    const line = this.#line;
    if (this.#waiting.length === 0) {
      line?.port.unref();
      return;
    }
    if (line === null) {
      this.start();
      return;
    }
    const job = this.#waiting.shift()!;
    line.port.ref();
    this.#ids += 1;
    job.tries += 1;
    const id = this.#ids;
    const timer = setTimeout(() => this.#overdue(), deadlineMs);
    this.#current = { id, job, timer };
    line.port.postMessage({ id, ...job.request } satisfies FliteRequest);
  }

  async #connect(): Promise<void> {
    const attempt = Symbol("connect");
    this.#connecting = attempt;
    const shared = this.#shares ? await sharedLine() : null;
    if (this.#connecting !== attempt) {
      shared?.end();
      return;
    }
    const line = shared ?? ownLine();
    this.#connecting = null;
    this.#line = line;
    line.port.on("message", (answer: FliteAnswer) => this.#answered(answer));
    line.port.on("close", () => this.#lost(line));
    line.port.unref();
    this.#advance();
  }

  #answered(answer: FliteAnswer): void {
    const current = this.#current;
    if (current?.id !== answer.id) return;
    clearTimeout(current.timer);
    this.#current = null;
    if ("error" in answer) current.job.reject(new Error(answer.error));
    else current.job.resolve({ samples: answer.samples, sampleRate: answer.sampleRate });
    this.#advance();
  }

  /** Handles the end of the thread: a worker of its own makes the piece at hand, and those after it. */
  #lost(line: Line): void {
    if (this.#line !== line) return;
    this.#drop(line);
    const job = this.#current?.job;
    // The next port of the server could be one to the same thread, whose end it has not noticed yet.
    if (job !== undefined) this.#shares = false;
    if (job !== undefined && job.tries < mostTries) {
      clearTimeout(this.#current?.timer);
      this.#current = null;
      this.#waiting.unshift(job);
    } else this.#failCurrent(new Error("The thread of Flite has ended", { cause: line.failure() }));
    this.#advance();
  }

  /** Gives up a piece that takes too long, with the thread: where it is the server's, this thread has one of its own from here on. */
  #overdue(): void {
    this.#shares = false;
    this.#drop(this.#line);
    this.#failCurrent(new DeadlineError(`Flite took longer than ${deadlineMs} ms`));
    this.#advance();
  }

  #drop(line: Line | null): void {
    this.#line = null;
    line?.end();
  }

  #failCurrent(error: unknown): void {
    const current = this.#current;
    if (current === null) return;
    clearTimeout(current.timer);
    this.#current = null;
    current.job.reject(error);
  }
}

/** Resolves with a line to the thread of the server; with null where there is none at the moment. */
async function sharedLine(): Promise<Line | null> {
  try {
    const port = await sharedThreads().voice?.connect();
    return port === undefined ? null : { port, end: () => port.close(), failure: () => undefined };
  } catch {
    return null;
  }
}

/** Starts a worker of this thread, which ends with it. */
function ownLine(): Line {
  const worker = new Worker(new URL(`../../../workers/voice${extname(import.meta.url)}`, import.meta.url), {
    name: "flite",
    env: {},
    // Each sentence has 30 MiB of memory outside the heap. With a limit of 16 V8 collects garbage for most of the time.
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
  });
  worker.unref();
  const { port1: port, port2 } = new MessageChannel();
  worker.postMessage({ port: port2 } satisfies ToSharedThread, [port2]);
  const end = () => {
    port.close();
    void worker.terminate();
  };
  // It ends the thread, whose port closes.
  let failure: Error | undefined;
  worker.on("error", (error: Error) => {
    failure = error;
  });
  return { port, end, failure: () => failure };
}

/** The way to the thread that synthesises speech; each thread has one. */
export const fliteThread = new FliteThread();
