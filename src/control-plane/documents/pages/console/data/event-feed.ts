import { ApiError, ask } from "./api.ts";
import { isAway, seen } from "./visibility.ts";

/** The times after which a stream that broke is tried again, in milliseconds. */
const pausesMs = [1_000, 2_000, 4_000, 8_000];

export type FeedState =
  | { readonly name: "connecting" }
  | { readonly name: "connected" }
  /** Nobody sees the page, so it is closed. */
  | { readonly name: "paused" }
  /** The connection broke. It is opened again at this time, in epoch milliseconds. */
  | { readonly name: "broken"; readonly error: ApiError; readonly againAt: number }
  /** The server will not send it, and does not change its mind by itself. */
  | { readonly name: "refused"; readonly error: ApiError }
  /** The stream came to its end. */
  | { readonly name: "over" };

export interface FeedOptions {
  readonly path: string;
  /** The longest time without a byte, in milliseconds; then the stream is taken for broken. */
  readonly silenceMs: number;
  /** The type of the event after which nothing comes. */
  readonly lastEvent?: string;
  event(type: string, data: unknown): void;
  state(state: FeedState): void;
}

/**
 * Reads server-sent events, with a header that says who asks, which a browser's own reader cannot send. A stream that
 * breaks is opened again where it broke, until it is closed.
 */
export class EventFeed {
  readonly #options: FeedOptions;
  readonly #closed = new AbortController();
  #lastId = "";
  #failures = 0;
  #isOver = false;
  /** Ends a pause between two tries. */
  #wake: () => void = () => undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
    void this.#run();
  }

  close(): void {
    this.#closed.abort();
    this.#wake();
  }

  /** Ends a pause between two tries. */
  tryNow(): void {
    this.#wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      if (isAway.value) this.#tell({ name: "paused" });
      await seen(signal);
      this.#tell({ name: "connecting" });
      try {
        if ((await this.#read()) === "over") return this.#tell({ name: "over" });
        await this.#pause(new ApiError("The server ended the stream."));
      } catch (error) {
        if (signal.aborted) return;
        if (isAway.value) continue;
        const told = error instanceof ApiError ? error : new ApiError("The connection to the server broke.");
        if (told.status !== 0 && !told.mayPass) return this.#tell({ name: "refused", error: told });
        await this.#pause(told);
      }
    }
  }

  async #pause(error: ApiError): Promise<void> {
    const pauseMs = pausesMs[Math.min(this.#failures, pausesMs.length - 1)] ?? 0;
    this.#failures += 1;
    this.#tell({ name: "broken", error, againAt: Date.now() + pauseMs });
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, pauseMs);
    });
  }

  /** Reads one stream to its end. */
  async #read(): Promise<"broke off" | "over"> {
    const silence = new AbortController();
    const signal = AbortSignal.any([this.#closed.signal, silence.signal]);
    let timer = setTimeout(() => silence.abort(), this.#options.silenceMs);
    const unsubscribe = isAway.subscribe(() => silence.abort());
    try {
      const headers = this.#lastId === "" ? {} : { "Last-Event-ID": this.#lastId };
      const response = await ask(this.#options.path, { signal, headers, timeoutMs: null });
      if (response.status === 204 || !response.body) return "over";
      this.#failures = 0;
      this.#tell({ name: "connected" });
      let text = "";
      for await (const chunk of chunksOf(response.body.pipeThrough(new TextDecoderStream()))) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), this.#options.silenceMs);
        text += chunk;
        for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
          this.#take(text.slice(0, end));
          text = text.slice(end + 2);
        }
      }
      return this.#isOver ? "over" : "broke off";
    } finally {
      clearTimeout(timer);
      unsubscribe();
      silence.abort();
    }
  }

  #take(block: string): void {
    const fields = new Map(
      block.split("\n").flatMap((line) => {
        const colon = line.indexOf(":");
        return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1).trimStart()] as const] : [];
      }),
    );
    this.#lastId = fields.get("id") ?? this.#lastId;
    const type = fields.get("event") ?? "message";
    const data = fields.get("data");
    this.#isOver ||= type === this.#options.lastEvent;
    if (data !== undefined && !this.#closed.signal.aborted) this.#options.event(type, JSON.parse(data));
  }

  #tell(state: FeedState): void {
    if (!this.#closed.signal.aborted) this.#options.state(state);
  }
}

/** Yields what a stream holds: not every browser iterates over one. */
async function* chunksOf(stream: ReadableStream<string>): AsyncGenerator<string> {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
