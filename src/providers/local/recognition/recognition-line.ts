import type { MessagePort } from "node:worker_threads";
import type { RecogniserAccess } from "../../../agent/thread/shared-threads.ts";
import { DeadlineError } from "../../../shared/deadline.ts";
import type { FromRecogniser, Rank, ToRecogniser } from "./messages.ts";

/** The longest time for one request, in milliseconds: the recogniser may have to be loaded again, on a busy machine. */
const answerMs = 30_000;
/** The first and the longest pause before another port is asked for, where one closed before it was of use, in milliseconds. */
const pauseMs = { first: 50, longest: 2_000 };
/** Such ports in a row after which it is given up. */
const mostUseless = 20;
/** The most times that a request is sent: one that ends the recogniser would end it for ever. */
const mostTries = 2;

/** The recogniser ended, or did not answer. */
export class RecogniserLostError extends Error {
  override readonly name = "RecogniserLostError";
  readonly code = "RECOGNISER_LOST";
}

export interface RecognitionLineOptions {
  readonly access: RecogniserAccess;
  readonly keyterms: readonly string[];
  /** The recogniser was lost. Requests are sent again to the next one. */
  readonly lost: (error: Error) => void;
  /** There is no recogniser any more. Nothing will be answered. */
  readonly over: (error: Error) => void;
}

interface Asked {
  readonly rank: Rank;
  readonly samples: Int16Array;
  readonly answer: PromiseWithResolvers<Recognised | null>;
  readonly timer: NodeJS.Timeout;
  tries: number;
}

export interface Recognised {
  readonly text: string;
  /** The time that the recognition took, in milliseconds. */
  readonly ms: number;
}

/** The requests of one listener. Where the recogniser is lost they go to the next one, so that no word of a turn is. */
export class RecognitionLine {
  readonly #options: RecognitionLineOptions;
  readonly #asked = new Map<number, Asked>();
  #port: MessagePort | null = null;
  #ids = 0;
  #open = true;
  /** The recogniser has said that it answers. */
  #ready = false;
  /** Ports in a row that closed before they were of use: that of a recogniser which is just ending is one. */
  #useless = 0;
  #timer: NodeJS.Timeout | undefined;

  private constructor(options: RecognitionLineOptions) {
    this.#options = options;
  }

  /** Rejects where there is no recogniser at the moment. */
  static async open(options: RecognitionLineOptions): Promise<RecognitionLine> {
    const line = new RecognitionLine(options);
    line.#use(await options.access.connect());
    return line;
  }

  /**
   * Resolves with the text of this sound; with null where a later request took its place. Rejects where the recogniser cannot tell,
   * after 30 s, and where the line is closed.
   */
  ask(rank: Rank, samples: Int16Array): Promise<Recognised | null> {
    if (!this.#open) return Promise.reject(new RecogniserLostError("The line to the recogniser is closed"));
    this.#ids += 1;
    const id = this.#ids;
    const timer = setTimeout(() => {
      this.#settle(id)?.reject(new DeadlineError(`The recogniser took longer than ${answerMs} ms`));
    }, answerMs);
    const answer = Promise.withResolvers<Recognised | null>();
    const asked: Asked = { rank, samples, answer, timer, tries: 0 };
    this.#asked.set(id, asked);
    this.#send(id, asked);
    return answer.promise;
  }

  close(): void {
    this.#end(new RecogniserLostError("The line to the recogniser is closed"));
  }

  #use(port: MessagePort): void {
    if (!this.#open) {
      port.close();
      return;
    }
    this.#port = port;
    port.on("message", (message: FromRecogniser) => this.#answered(message));
    port.on("close", () => {
      if (this.#open && this.#port === port) this.#lost();
    });
    // A call is kept open by others.
    port.unref();
  }

  #begin(port: MessagePort): void {
    this.#ready = true;
    this.#useless = 0;
    const { keyterms } = this.#options;
    if (keyterms.length > 0) port.postMessage({ type: "keyterms", terms: keyterms } satisfies ToRecogniser);
    for (const [id, asked] of this.#asked) this.#send(id, asked);
  }

  #lost(): void {
    const wasReady = this.#ready;
    this.#port = null;
    this.#ready = false;
    if (!wasReady) {
      this.#useless += 1;
      const pause = Math.min(pauseMs.longest, pauseMs.first * 2 ** this.#useless);
      this.#timer = setTimeout(() => void this.#again(), pause).unref();
      return;
    }
    const error = new RecogniserLostError("The recogniser has ended");
    for (const [id, { rank, tries }] of this.#asked) {
      // A caption is out of date by then.
      if (rank === "caption") this.#settle(id)?.resolve(null);
      else if (tries >= mostTries) this.#settle(id)?.reject(error);
    }
    this.#options.lost(error);
    void this.#again();
  }

  /** Connects to the next recogniser. */
  async #again(): Promise<void> {
    const { access, over } = this.#options;
    try {
      if (this.#useless > mostUseless) throw new RecogniserLostError("It ends before it answers");
      this.#use(await access.connect());
    } catch (cause) {
      if (!this.#open) return;
      const gone = new RecogniserLostError("There is no recogniser any more", { cause });
      this.#end(gone);
      over(gone);
    }
  }

  #send(id: number, asked: Asked): void {
    if (this.#port === null || !this.#ready) return;
    asked.tries += 1;
    const { rank, samples } = asked;
    this.#port.postMessage({ type: "recognise", id, rank, samples } satisfies ToRecogniser);
  }

  #answered(message: FromRecogniser): void {
    if (message.type === "ready") {
      if (this.#port !== null) this.#begin(this.#port);
      return;
    }
    const answer = this.#settle(message.id);
    if (message.type === "recognised") answer?.resolve({ text: message.text, ms: message.ms });
    else if (message.type === "superseded") answer?.resolve(null);
    else answer?.reject(new Error(`The recogniser failed: ${message.error}`));
  }

  #settle(id: number): PromiseWithResolvers<Recognised | null> | undefined {
    const asked = this.#asked.get(id);
    if (asked === undefined) return undefined;
    clearTimeout(asked.timer);
    this.#asked.delete(id);
    return asked.answer;
  }

  #end(error: Error): void {
    if (!this.#open) return;
    this.#open = false;
    clearTimeout(this.#timer);
    this.#port?.close();
    for (const id of [...this.#asked.keys()]) this.#settle(id)?.reject(error);
  }
}
