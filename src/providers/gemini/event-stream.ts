import type { Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";
import { AsyncQueue } from "../../agent/async-queue.ts";

/** An error that Google wrote into a response which began with status 200. */
export class StreamedError extends Error {
  override readonly name = "StreamedError";
  readonly status: number;

  /** @param text The body of the error, as JSON. */
  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

/**
 * Returns the server-sent events of a response, one whole event in each piece, however the network cut them.
 * The SDK looks for an error in each piece that it receives, and misses one that was cut, or that follows the
 * last event without a frame: here both end the stream with a {@link StreamedError}. Anything else that is
 * not an event ends it with an error too. Ending the iteration closes the connection.
 */
export function wholeEvents(body: Readable): ReadableStream<Uint8Array> {
  const queue = new AsyncQueue<Uint8Array | Error>();
  const decoder = new TextDecoder();
  const reader = new EventReader();
  const give = (events: Iterable<string>) => {
    try {
      for (const data of events) queue.push(encoded(data));
    } catch (error) {
      queue.push(error as Error);
    }
  };
  // The body is read as it comes, whether or not anybody waits for it: Node ends the process with the error of a request
  // that is aborted while the end of its response has arrived and was not read.
  body.on("data", (bytes: Uint8Array) => give(reader.read(decoder.decode(bytes, { stream: true }))));
  body.on("error", (error) => queue.push(error));
  body.on("end", () => {
    give(reader.end(decoder.decode()));
    queue.end();
  });
  return ReadableStream.from(unpacked(queue, body));
}

async function* unpacked(queue: AsyncQueue<Uint8Array | Error>, body: Readable): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of queue) {
      if (piece instanceof Error) throw piece;
      yield piece;
    }
  } finally {
    if (!body.readableEnded) body.destroy();
  }
}

function encoded(data: string): Uint8Array {
  return Buffer.from(`data: ${data}\n\n`);
}

/** Splits text into events and other lines. */
class EventReader {
  /** The line whose end has not arrived. */
  #line = "";
  /** The data of the event that is not over. */
  #data: string[] = [];
  /** The lines outside of events. */
  #bare: string[] = [];

  *read(text: string): Generator<string, void, void> {
    // A carriage return at the end may be half of a line end.
    const lines = (this.#line + text).split(/\r\n|\n|\r(?!$)/);
    this.#line = lines.pop() ?? "";
    for (const line of lines) yield* this.#take(line);
  }

  /** Ends the text. The last event needs no blank line after it where its JSON is complete. */
  *end(text: string): Generator<string, void, void> {
    yield* this.read(text);
    yield* this.#take(this.#line);
    yield* this.#take("");
    if (this.#bare.length === 0) return;
    const bare = this.#bare.join("\n");
    throwIfError(bare);
    throw new SyntaxError("The answer has lines that are not events");
  }

  *#take(line: string): Generator<string, void, void> {
    if (line === "") {
      if (this.#data.length === 0) return;
      const data = this.#data.join(" ");
      this.#data = [];
      throwIfError(data);
      // An incomplete event is not given to the SDK, whose error message would quote it.
      JSON.parse(data);
      yield data;
    } else if (line.startsWith("data:")) {
      this.#data.push(line.slice("data:".length).trim());
    } else if (/^[[{]/.test(line) && isJson(this.#data.join(" "))) {
      // An error may follow an event without a blank line between them.
      yield* this.#take("");
      yield* this.#take(line);
    } else if (this.#data.length > 0 && !isField(line)) {
      // An event may be printed over several lines.
      this.#data.push(line.trim());
    } else if (!isField(line) && line.trim() !== "") {
      this.#bare.push(line);
      if (line.startsWith("}") || line.startsWith("]")) throwIfError(this.#bare.join("\n"));
    }
  }
}

/** Returns whether a line is a comment, or a field that Google does not use. */
function isField(line: string): boolean {
  return /^(?::|(?:event|id|retry)(?::|$))/.test(line);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function throwIfError(text: string): void {
  if (!text.includes('"error"')) return;
  if (!isJson(text)) return;
  const [first] = [JSON.parse(text)].flat() as [
    { readonly error?: { readonly code?: unknown } } | null | undefined,
  ];
  const error = first?.error;
  if (typeof error !== "object" || error === null) return;
  throw new StreamedError(typeof error.code === "number" ? error.code : 500, text);
}
