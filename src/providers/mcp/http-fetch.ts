import { overKeptConnections } from "../../network/dispatcher.ts";
import type { Headers as OwnHeaders } from "./options.ts";

/** The longest response to a request, in bytes. The stream of a server's own messages has no end. */
const longestResponse = 8 * 2 ** 20;

/**
 * Returns the `fetch` of a server: with the headers of the call, and responses of bounded length.
 * @param onBroken Called where the response to a request breaks off, or is too long: the SDK would wait for the rest of it.
 */
export function fetchWith(headers: () => OwnHeaders | Promise<OwnHeaders>, onBroken: (error: Error) => void) {
  return async (input: string | URL, init: RequestInit = {}): Promise<Response> => {
    const all = new Headers(init.headers);
    for (const [name, value] of Object.entries(await headers())) all.set(name, value);
    const response = await fetch(input, { ...init, headers: all, ...overKeptConnections() });
    const { body, status, statusText } = response;
    if (init.method !== "POST" || body === null) return response;
    const read = ReadableStream.from(bounded(body, onBroken));
    return new Response(read, { status, statusText, headers: response.headers });
  };
}

async function* bounded(
  body: ReadableStream<Uint8Array>,
  onBroken: (error: Error) => void,
): AsyncGenerator<Uint8Array> {
  let length = 0;
  try {
    for await (const bytes of body) {
      length += bytes.byteLength;
      if (length > longestResponse) {
        throw new Error(`A response is longer than ${longestResponse / 2 ** 20} MiB`);
      }
      yield bytes;
    }
  } catch (error) {
    onBroken(error as Error);
    throw error;
  }
}
