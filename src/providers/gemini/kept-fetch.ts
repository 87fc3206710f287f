import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { Connections } from "../connections.ts";
import { decoded } from "../decoded.ts";

/** As the global fetch, as far as the SDK uses it, over kept connections. Errors carry the system's `code`. */
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
  const outgoing = connections.request(url, {
    method,
    headers: Object.fromEntries(new Headers(headers)),
    ...(signal ? { signal } : {}),
  });
  outgoing.on("response", (incoming) => resolve(asResponse(incoming)));
  // Stays for the life of the request: what goes wrong after the answer began is told by its body too.
  outgoing.on("error", reject);
  outgoing.end(body);
  return {
    answer: promise,
    staleAfter: (error: unknown) =>
      outgoing.reusedSocket && ["ECONNRESET", "EPIPE"].includes(String((error as { code?: unknown }).code)),
  };
}

/** Headers of a body that is given on without them, since it is decoded. */
const ofTheWire = new Set(["content-encoding", "content-length"]);

function asResponse(incoming: IncomingMessage): Response {
  const { statusCode: status = 502, statusMessage: statusText = "", headersDistinct } = incoming;
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(headersDistinct)) {
    if (ofTheWire.has(name)) continue;
    for (const value of values) headers.append(name, value);
  }
  const empty = [204, 205, 304].includes(status);
  if (empty) incoming.resume();
  const body = empty ? null : (Readable.toWeb(decoded(incoming)) as ReadableStream<Uint8Array>);
  return new Response(body, { status, statusText, headers });
}
