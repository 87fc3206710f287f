import { overKeptConnections } from "../../network/dispatcher.ts";
import { pause } from "../../shared/back-off.ts";
import type { Headers as OwnHeaders } from "./options.ts";

/** The longest response to a request, and the longest event of the stream of a server's own messages, which has no end. In bytes. */
const longestMessage = 8 * 2 ** 20;
/** The least time between two openings of that stream, in milliseconds: a server may close it without end, and ask for no pause. */
const openIntervalMs = 1_000;

/**
 * Returns the `fetch` of a server: with the headers of the call, and messages of bounded length.
 * @param onBroken Called where a response breaks off, or is too long: the SDK would wait for the rest of it.
 */
export function fetchWith(headers: () => OwnHeaders | Promise<OwnHeaders>, onBroken: (error: Error) => void) {
  let openedAt = Number.NEGATIVE_INFINITY;
  return async (input: string | URL, init: RequestInit = {}): Promise<Response> => {
    const opens = init.method === "GET";
    if (opens) {
      const waitMs = openedAt + openIntervalMs - performance.now();
      if (waitMs > 0) await pause(waitMs, { ref: false, ...(init.signal ? { signal: init.signal } : {}) });
      openedAt = performance.now();
    }
    const all = withHeaders(new Headers(init.headers), await headers());
    const response = await fetch(input, { ...init, headers: all, ...overKeptConnections() });
    const { body, status, statusText } = response;
    if (body === null || !(opens || init.method === "POST")) return response;
    const read = ReadableStream.from(bounded(body, { isEndless: opens, onBroken }));
    return new Response(read, { status, statusText, headers: response.headers });
  };
}

/** Adds headers. Throws a `TypeError` for those that cannot be sent, which does not quote them: they are secrets. */
function withHeaders(all: Headers, own: unknown): Headers {
  if (typeof own !== "object" || own === null) throw new TypeError("Its headers are no object of texts");
  for (const [name, value] of Object.entries(own)) {
    try {
      if (typeof value !== "string") throw new TypeError("no text");
      all.set(name, value);
    } catch {
      throw new TypeError(`Its header ${JSON.stringify(name.slice(0, 40))} cannot be sent`);
    }
  }
  return all;
}

async function* bounded(
  body: ReadableStream<Uint8Array>,
  { isEndless, onBroken }: { readonly isEndless: boolean; readonly onBroken: (error: Error) => void },
): AsyncGenerator<Uint8Array> {
  const eventLength = eventMeter();
  let length = 0;
  try {
    for await (const bytes of body) {
      length = isEndless ? eventLength(bytes) : length + bytes.byteLength;
      if (length > longestMessage)
        throw new Error(`A response is longer than ${longestMessage / 2 ** 20} MiB`);
      yield bytes;
    }
  } catch (error) {
    // The SDK opens a stream of the server's own messages again by itself.
    if (!isEndless || length > longestMessage) onBroken(error as Error);
    throw error;
  }
}

const blankLines = ["\n\n", "\r\n\r\n", "\r\r"];

/** Returns a function that takes the bytes of a stream piece by piece, and returns the length of the event under way: a blank line ends one. */
function eventMeter(): (bytes: Uint8Array) => number {
  let length = 0;
  // A blank line may begin in one piece and end in the next: servers that write line by line always do that.
  let last = Buffer.alloc(0);
  return (bytes) => {
    const text = Buffer.concat([last, bytes]);
    const end = Math.max(...blankLines.map((blank) => text.lastIndexOf(blank)));
    length = end < 0 ? length + bytes.byteLength : text.byteLength - end;
    last = text.subarray(-3);
    return length;
  };
}
