import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { decoded } from "../http/body.ts";
import type { Connections } from "../http/connections.ts";
import { isStale } from "../http/request.ts";

import { wholeEvents } from "./event-stream.ts";

/** Returns the `fetch` that the SDK uses, over kept connections. Its errors have the system's `code`. */
export function fetchOver(connections: Connections): typeof fetch {
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    for (;;) {
      try {
        return await send(connections, url, init);
      } catch (error) {
        if (!isStale(error) || init.signal?.aborted || connections.closed) throw error;
      }
    }
  };
}

async function send(
  connections: Connections,
  url: URL,
  { method = "GET", headers, body, signal }: RequestInit,
): Promise<Response> {
  const incoming = await connections.request(url, {
    method,
    headers: Object.fromEntries(new Headers(headers)),
    // The SDK gives no other body than JSON text.
    body: typeof body === "string" ? body : undefined,
    signal,
  });
  return asResponse(incoming, url.searchParams.get("alt") === "sse");
}

/** The headers that are not passed on, since the body is decoded. */
const encodingHeaders = new Set(["content-encoding", "content-length"]);

function asResponse(incoming: IncomingMessage, streams: boolean): Response {
  const { statusCode: status = 502, statusMessage: statusText = "", headersDistinct } = incoming;
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(headersDistinct)) {
    if (encodingHeaders.has(name)) continue;
    for (const value of values) headers.append(name, value);
  }
  const empty = [204, 205, 304].includes(status);
  if (empty) incoming.resume();
  const read = decoded(incoming);
  const body = streams && status === 200 ? wholeEvents(read) : Readable.toWeb(read);
  return new Response(empty ? null : (body as ReadableStream<Uint8Array>), { status, statusText, headers });
}
