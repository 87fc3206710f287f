import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { Connections } from "../connections.ts";
import { decoded } from "../decoded.ts";
import { wholeEvents } from "./event-stream.ts";

/** Returns a fetch over kept connections, as far as the SDK uses one. Errors carry the system's `code`. */
export function fetchOver(connections: Connections): typeof fetch {
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    for (;;) {
      const exchange = send(connections, url, init);
      try {
        return await exchange.answer;
      } catch (error) {
        // The server closed a kept connection just as it was used: nothing was read from it, so another is tried.
        if (!exchange.staleAfter(error) || init.signal?.aborted || connections.closed) throw error;
      }
    }
  };
}

function send(connections: Connections, url: URL, { method = "GET", headers, body, signal }: RequestInit) {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const options = {
    method,
    headers: Object.fromEntries(new Headers(headers)),
    ...(signal ? { signal } : {}),
  };
  // The SDK gives no body but JSON text.
  const outgoing = connections.send(url, options, typeof body === "string" ? body : undefined);
  const streams = url.searchParams.get("alt") === "sse";
  outgoing.on("response", (incoming) => resolve(asResponse(incoming, streams)));
  // Stays for the life of the request: what goes wrong after the answer began is told by its body too.
  outgoing.on("error", reject);
  return {
    answer: promise,
    staleAfter: (error: unknown) =>
      outgoing.reusedSocket && ["ECONNRESET", "EPIPE"].includes(String((error as { code?: unknown }).code)),
  };
}

/** Headers of a body that is given on without them, since it is decoded. */
const ofTheWire = new Set(["content-encoding", "content-length"]);

function asResponse(incoming: IncomingMessage, streams: boolean): Response {
  const { statusCode: status = 502, statusMessage: statusText = "", headersDistinct } = incoming;
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(headersDistinct)) {
    if (ofTheWire.has(name)) continue;
    for (const value of values) headers.append(name, value);
  }
  const empty = [204, 205, 304].includes(status);
  if (empty) incoming.resume();
  const read = decoded(incoming);
  const body = streams && status === 200 ? wholeEvents(read) : Readable.toWeb(read);
  return new Response(empty ? null : (body as ReadableStream<Uint8Array>), { status, statusText, headers });
}
