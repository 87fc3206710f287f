import type { MessagePort } from "node:worker_threads";
import { within } from "../../shared/deadline.ts";
import type { FromThread } from "../../shared/protocol.ts";

/** The way from a session thread to the one thread of the process that recognises speech. */
export interface RecogniserAccess {
  /** The name of its model. */
  readonly model: string;
  /**
   * Has it loaded, unless it is, so that the first words of a call need not wait for that. Does nothing in a rehearsal: only a
   * call is worth the memory. Rejects like {@link connect}.
   */
  prepare(): Promise<void>;
  /**
   * Resolves with a port for one listener; whoever asked closes it. It closes by itself where the recogniser is lost. Rejects
   * where there is none at the moment.
   */
  connect(): Promise<MessagePort>;
}

/** The recogniser cannot be had at the moment. */
export class RecogniserUnavailableError extends Error {
  override readonly name = "RecogniserUnavailableError";
  readonly code = "RECOGNISER_UNAVAILABLE";
}

/** The longest time that the main thread may take to answer, in milliseconds. */
const answerMs = 10_000;

/**
 * Where a thread keeps its access. A registered symbol: an agent's own copy of the package finds it too.
 */
const place: unique symbol = Symbol.for("greenroom.thread.recogniser") as never;
type Place = { [place]?: RecogniserAccess };

/** Returns the way to the recogniser; null in a thread of no server, and where the server has none. */
export function recogniserAccess(): RecogniserAccess | null {
  return (globalThis as Place)[place] ?? null;
}

/** Gives the code of this thread a way to the recogniser. Returns what takes it away again. */
export function offerRecogniser(access: RecogniserAccess): () => void {
  (globalThis as Place)[place] = access;
  return () => {
    delete (globalThis as Place)[place];
  };
}

/** Asks the main thread for ports to the recogniser. */
export class RecogniserDesk implements RecogniserAccess {
  readonly model: string;
  /** True in a thread that makes the agent, and takes it into no call. */
  rehearsal = false;
  readonly #post: (message: FromThread) => void;
  readonly #asked = new Map<number, PromiseWithResolvers<MessagePort>>();
  #count = 0;

  constructor(model: string, post: (message: FromThread) => void) {
    this.model = model;
    this.#post = post;
  }

  async prepare(): Promise<void> {
    if (!this.rehearsal) (await this.connect()).close();
  }

  async connect(): Promise<MessagePort> {
    this.#count += 1;
    const number = this.#count;
    const asked = Promise.withResolvers<MessagePort>();
    this.#asked.set(number, asked);
    this.#post({ type: "recogniser_wanted", number });
    try {
      return await within(asked.promise, answerMs, "The way to the recogniser");
    } finally {
      this.#asked.delete(number);
    }
  }

  /** The main thread has answered: with a port, or with why there is none. */
  answered(number: number, port: MessagePort | null, refusal: string): void {
    const asked = this.#asked.get(number);
    // It was waited for no longer.
    if (asked === undefined) port?.close();
    else if (port === null) asked.reject(new RecogniserUnavailableError(refusal));
    else asked.resolve(port);
  }
}
