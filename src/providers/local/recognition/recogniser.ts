import type { MessagePort } from "node:worker_threads";
import type { KeytermBias } from "./keyterm-bias.ts";
import { type FromRecogniser, type RecognitionRequest, readToRecogniser } from "./messages.ts";
import type { Moonshine } from "./moonshine.ts";
import { RequestQueue } from "./request-queue.ts";

/** The most participants of one session who are listened to at a time, with some to spare for those who have just left. */
const mostListeners = 32;
/** The most that a session may send in a second: several times the amount of eight people who talk at once. */
const mostPerSecond = { messages: 200, bytes: 16 * 2 ** 20 };

/** The slot of a session thread, and what it has sent in this second. */
interface Owner {
  listeners: number;
  window: { startedAt: number; messages: number; bytes: number };
}

interface Listener {
  readonly port: MessagePort;
  bias: KeytermBias | null;
}

/** Recognises the speech of all sessions of the process, one request after the other. */
export class Recogniser {
  readonly #model: Moonshine;
  readonly #queue = new RequestQueue<Listener>();
  readonly #owners = new Map<number, Owner>();
  #busy = false;

  constructor(model: Moonshine) {
    this.#model = model;
  }

  /**
   * Serves a listener until its port closes. Messages over the port come from a thread that runs an agent's code: a
   * message that is no request, or too large, closes it.
   * @param slot The number of that thread, by which its listeners are counted.
   */
  serve(slot: number, port: MessagePort): void {
    const owner = this.#owners.get(slot) ?? { listeners: 0, window: { startedAt: 0, messages: 0, bytes: 0 } };
    if (owner.listeners >= mostListeners) {
      port.close();
      return;
    }
    this.#owners.set(slot, owner);
    owner.listeners += 1;
    const listener: Listener = { port, bias: null };
    tell(listener, { type: "ready" });
    port.on("message", (value: unknown) => {
      const message = readToRecogniser(value);
      if (
        message === null ||
        !isWithin(owner, message.type === "recognise" ? message.samples.byteLength : 0)
      ) {
        port.close();
      } else if (message.type === "keyterms") {
        listener.bias = this.#model.biasFor(message.terms);
      } else this.#ask(listener, message);
    });
    port.on("messageerror", () => port.close());
    port.on("close", () => {
      this.#queue.forget(listener);
      owner.listeners -= 1;
      if (owner.listeners === 0) this.#owners.delete(slot);
    });
  }

  #ask(listener: Listener, request: RecognitionRequest): void {
    for (const { id } of this.#queue.add(listener, request)) tell(listener, { type: "superseded", id });
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (;;) {
        // Requests that came meanwhile may be more urgent.
        await new Promise((resolve) => setImmediate(resolve));
        const job = this.#queue.next();
        if (job === null) return;
        tell(job.listener, await this.#recognise(job.listener, job.request));
      }
    } finally {
      this.#busy = false;
    }
  }

  async #recognise({ bias }: Listener, { id, rank, samples }: RecognitionRequest): Promise<FromRecogniser> {
    const startedAt = performance.now();
    try {
      const unwanted = () => rank === "caption" && this.#queue.hasMoreUrgent(rank);
      const text = await this.#model.recognise(samples, { bias, unwanted });
      if (text === null) return { type: "superseded", id };
      return { type: "recognised", id, text, ms: performance.now() - startedAt };
    } catch (error) {
      return { type: "failed", id, error: error instanceof Error ? error.message : String(error) };
    }
  }
}

function tell({ port }: Listener, message: FromRecogniser): void {
  port.postMessage(message);
}

/** Counts a message. Returns whether the session is within what it may send. */
function isWithin({ window }: Owner, bytes: number): boolean {
  const at = performance.now();
  if (at - window.startedAt > 1_000) Object.assign(window, { startedAt: at, messages: 0, bytes: 0 });
  window.messages += 1;
  window.bytes += bytes;
  return window.messages <= mostPerSecond.messages && window.bytes <= mostPerSecond.bytes;
}
