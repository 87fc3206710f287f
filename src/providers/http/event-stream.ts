import type { Readable } from "node:stream";
import { AsyncQueue } from "../../agent/async-queue.ts";
import { DeadlineError } from "../../shared/deadline.ts";

/** The longest line of a stream, in characters: it holds more than any answer. */
const longestLine = 8_388_608;

/**
 * The data of the server-sent events of a response, in order. Lines that are no events, such as an error that a gateway writes
 * into a stream, are given as data too. Ending the iteration closes the connection, unless the response has come to its end.
 */
export class EventStream implements AsyncIterable<string> {
  readonly #queue = new AsyncQueue<string | Error>();
  readonly #body: Readable;
  readonly #idle: NodeJS.Timeout;
  #last: NodeJS.Timeout | undefined;

  /**
   * @param what Names the wait for the next piece, for the message of a `DeadlineError`.
   * @param idleTimeoutMs The longest time between two pieces, in milliseconds.
   */
  constructor(body: Readable, what: string, idleTimeoutMs: number) {
    this.#body = body;
    const late = () => {
      this.#queue.push(new DeadlineError(`${what} took longer than ${idleTimeoutMs} ms`, "idleTimeoutMs"));
      body.destroy();
    };
    this.#idle = setTimeout(late, idleTimeoutMs);
    const decoder = new TextDecoder();
    const reader = new EventReader();
    const give = (events: Iterable<string>) => {
      try {
        for (const data of events) this.#queue.push(data);
      } catch (error) {
        this.#queue.push(error as Error);
        body.destroy();
      }
    };
    // The body is read as it comes, whether or not anybody waits for it: Node ends the process with the error of a request
    // that is aborted while the end of its response has arrived and was not read.
    body.on("data", (bytes: Uint8Array) => {
      this.#idle.refresh();
      give(reader.read(decoder.decode(bytes, { stream: true })));
    });
    body.on("error", (error) => this.#queue.push(error));
    body.on("end", () => {
      give(reader.end(decoder.decode()));
      this.#queue.end();
    });
    body.on("close", () => {
      this.#queue.end();
      clearTimeout(this.#idle);
      clearTimeout(this.#last);
    });
  }

  /** Bounds the rest of the response: after this many milliseconds the iteration ends without an error. */
  endWithin(ms: number): void {
    this.#last ??= setTimeout(() => {
      this.#queue.end();
      this.#body.destroy();
    }, ms).unref();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, void> {
    for await (const piece of this.#queue) {
      if (piece instanceof Error) throw piece;
      yield piece;
    }
  }

  /** Closes the connection, unless the response has come to its end. */
  close(): void {
    clearTimeout(this.#idle);
    clearTimeout(this.#last);
    if (!this.#body.readableEnded) this.#body.destroy();
  }
}

/** Splits the text of a response into the data of events. */
export class EventReader {
  /** The line whose end has not arrived. */
  #line = "";
  /** The data of the event that is not over. */
  #data: string[] = [];
  /** Lines outside of events. */
  #bare: string[] = [];

  /** Yields the data of the events that end within this piece of the text. */
  *read(text: string): Generator<string, void, void> {
    // A carriage return at the end may be half of a line end.
    const lines = (this.#line + text).split(/\r\n|\n|\r(?!$)/);
    this.#line = lines.pop() ?? "";
    if (this.#line.length > longestLine) throw new SyntaxError("The answer has a line that is too long");
    for (const line of lines) yield* this.#take(line);
  }

  /** Ends the text: the last event needs no blank line after it. */
  *end(text = ""): Generator<string, void, void> {
    yield* this.read(text);
    const rest = this.#line;
    this.#line = "";
    yield* this.#take(rest.replace(/\r$/, ""));
    yield* this.#take("");
    if (this.#bare.length > 0) yield this.#bare.join("\n");
    this.#bare = [];
  }

  *#take(line: string): Generator<string, void, void> {
    if (line === "") {
      yield* this.#finished();
    } else if (line.startsWith("data:")) {
      // Some servers leave out the blank line between events.
      if (this.#data.length > 0 && isWhole(this.#data.join("\n"))) yield* this.#finished();
      this.#data.push(line.slice("data:".length).trim());
    } else if (line.startsWith("error:")) {
      // Some versions of llama.cpp write errors into a field of their own.
      yield* this.#finished();
      this.#data.push(line.slice("error:".length).trim());
    } else if (!/^(?::|(?:event|id|retry)(?::|$))/.test(line) && line.trim() !== "") {
      // An event may be printed over several lines.
      if (this.#data.length > 0 && !isWhole(this.#data.join("\n"))) {
        this.#data.push(line);
        return;
      }
      yield* this.#finished();
      this.#bare.push(line);
      // An error is not to wait for the end of a stream that stays open.
      if (!isWhole(this.#bare.join("\n"))) return;
      yield this.#bare.join("\n");
      this.#bare = [];
    }
  }

  *#finished(): Generator<string, void, void> {
    if (this.#data.length === 0) return;
    const data = this.#data.join("\n");
    this.#data = [];
    if (data !== "") yield data;
  }
}

function isWhole(text: string): boolean {
  if (text === "[DONE]") return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
