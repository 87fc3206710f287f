import type { MessagePort } from "node:worker_threads";
import { type FliteOptions, fliteVoices, synthesize } from "./flite.ts";
import { fliteModule } from "./flite-module.ts";
import { longestPiece } from "./flite-text.ts";
import type { WasmModule } from "./web-assembly.ts";

export interface FliteRequest extends FliteOptions {
  readonly id: number;
  /** A piece of text, in ASCII. */
  readonly text: string;
}

export type FliteAnswer =
  | { readonly id: number; readonly samples: Int16Array<ArrayBuffer>; readonly sampleRate: number }
  | { readonly id: number; readonly error: string };

interface Job {
  readonly port: MessagePort;
  readonly request: FliteRequest;
}

/**
 * Synthesises speech for all who have a port to its thread, one piece of text after the other. A piece takes tens of milliseconds
 * without a pause, in which a session thread could not send a frame.
 */
export class FliteServer {
  readonly #module: Promise<WasmModule>;
  #waiting: Job[] = [];
  #busy = false;

  constructor() {
    this.#module = fliteModule();
    this.#module.then(
      // The first text takes 100 ms longer than those after it.
      (module) => void synthesize(module, "Hello", { voice: "slt", pace: 1 }),
      // The error is reported to each request.
      () => {},
    );
  }

  /**
   * Serves one user until its port closes. Messages over the port come from a thread that runs an agent's code: a message that is no
   * request, or comes before the one ahead of it is answered, closes it.
   */
  serve(port: MessagePort): void {
    port.on("message", (value: unknown) => {
      const request = readRequest(value);
      if (request === null || this.#waiting.some((job) => job.port === port)) port.close();
      else {
        this.#waiting.push({ port, request });
        void this.#work();
      }
    });
    port.on("messageerror", () => port.close());
    port.on("close", () => {
      this.#waiting = this.#waiting.filter((job) => job.port !== port);
    });
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (;;) {
      // Ports that have closed meanwhile are noticed.
      await new Promise((resolve) => setImmediate(resolve));
      const [job] = this.#waiting;
      if (job === undefined) break;
      const answer = await this.#answer(job.request);
      this.#waiting = this.#waiting.filter((other) => other !== job);
      job.port.postMessage(answer, "samples" in answer ? [answer.samples.buffer] : []);
    }
    this.#busy = false;
  }

  async #answer({ id, text, ...options }: FliteRequest): Promise<FliteAnswer> {
    try {
      const { samples, sampleRate } = synthesize(await this.#module, text, options);
      // A copy is transferred, since the samples may be a part of a larger buffer.
      return { id, samples: new Int16Array(samples), sampleRate };
    } catch (error) {
      return { id, error: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** Returns what a user of the voice has sent, which may be anything; null where it is no request. */
function readRequest(value: unknown): FliteRequest | null {
  if (typeof value !== "object" || value === null) return null;
  const { id, text, voice, pace } = value as Partial<FliteRequest>;
  const right =
    Number.isSafeInteger(id) &&
    typeof text === "string" &&
    text.length <= longestPiece &&
    fliteVoices.some((known) => known === voice) &&
    typeof pace === "number" &&
    pace >= 0.5 &&
    pace <= 2;
  return right ? { id: id!, text, voice: voice!, pace } : null;
}
