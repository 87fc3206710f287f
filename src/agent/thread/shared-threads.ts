import type { MessagePort } from "node:worker_threads";
import { within } from "../../shared/deadline.ts";
import type { FromThread, SharedThreadName, SlotBoot, ToThread } from "../../shared/protocol.ts";

/** The way from a session thread to a thread that all sessions of the process share. */
export interface SharedThreadAccess {
  /**
   * Resolves with a port to that thread; whoever asked closes it. It closes by itself where that thread is lost. Rejects with a
   * {@link SharedThreadUnavailableError} where there is none at the moment.
   */
  connect(): Promise<MessagePort>;
}

/** The way to the one thread of the process that recognises speech. */
export interface RecogniserAccess extends SharedThreadAccess {
  /** The name of its model. */
  readonly model: string;
}

/** The threads that this thread can reach; null for those that the server does not have. */
export interface SharedThreads {
  readonly recogniser: RecogniserAccess | null;
  /** The thread of the media port. */
  readonly mediaPort: SharedThreadAccess | null;
  /** The thread that synthesises speech without a key. */
  readonly voice: SharedThreadAccess | null;
  /** The thread that runs the programs of MCP servers. */
  readonly mcp: SharedThreadAccess | null;
}

/** A thread that all sessions share cannot be had at the moment. */
export class SharedThreadUnavailableError extends Error {
  override readonly name = "SharedThreadUnavailableError";
  readonly code = "SHARED_THREAD_UNAVAILABLE";
}

/** The longest time that the main thread may take to answer, in milliseconds. */
const answerMs = 10_000;

/**
 * Where a thread keeps its ways. A registered symbol: an agent's own copy of the package finds it too.
 */
const place: unique symbol = Symbol.for("greenroom.thread.shared") as never;
type Place = { [place]?: SharedThreads };

/** Returns the threads that this one can reach; none in a thread of no server. */
export function sharedThreads(): SharedThreads {
  return (globalThis as Place)[place] ?? { recogniser: null, mediaPort: null, voice: null, mcp: null };
}

/** Gives the code of this thread ways to others. Returns what takes them away again. */
export function offerSharedThreads({
  recogniser = null,
  mediaPort = null,
  voice = null,
  mcp = null,
}: Partial<SharedThreads>): () => void {
  (globalThis as Place)[place] = { recogniser, mediaPort, voice, mcp };
  return () => {
    delete (globalThis as Place)[place];
  };
}

/** Asks the main thread for ports to the threads that all sessions share. */
export class SharedThreadDesk implements SharedThreads {
  readonly recogniser: RecogniserAccess | null;
  readonly mediaPort: SharedThreadAccess | null;
  readonly voice: SharedThreadAccess | null;
  readonly mcp: SharedThreadAccess | null;
  readonly #post: (message: FromThread) => void;
  readonly #asked = new Map<number, PromiseWithResolvers<MessagePort>>();
  #count = 0;

  constructor(
    {
      recogniser: model,
      mediaPort,
      voice,
      mcp,
    }: Pick<SlotBoot, "recogniser" | "mediaPort" | "voice" | "mcp">,
    post: (message: FromThread) => void,
  ) {
    this.#post = post;
    this.recogniser = model === null ? null : { model, connect: () => this.#connect("recogniser") };
    this.mediaPort = mediaPort ? { connect: () => this.#connect("media") } : null;
    this.voice = voice ? { connect: () => this.#connect("voice") } : null;
    this.mcp = mcp ? { connect: () => this.#connect("mcp") } : null;
  }

  /** Takes the main thread's answer: a port, or why there is none. */
  answered({ number, port, refusal }: Extract<ToThread, { type: "port" }>): void {
    const asked = this.#asked.get(number);
    // It was waited for no longer.
    if (asked === undefined) port?.close();
    else if (port === null) asked.reject(new SharedThreadUnavailableError(refusal));
    else asked.resolve(port);
  }

  async #connect(thread: SharedThreadName): Promise<MessagePort> {
    this.#count += 1;
    const number = this.#count;
    const asked = Promise.withResolvers<MessagePort>();
    this.#asked.set(number, asked);
    this.#post({ type: "port_wanted", thread, number });
    try {
      return await within(asked.promise, answerMs, `The way to the thread ${thread}`);
    } finally {
      this.#asked.delete(number);
    }
  }
}
