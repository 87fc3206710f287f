import type { Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { http } from "../network/node-http.ts";
import type { FilledServeOptions } from "./serve-options.ts";
import { asksForWebSocket } from "./sockets/serve-upgrades.ts";

/** Makes a server that cuts slow clients off. Node takes the interval of its checks only when a server is made. */
export function createHttpServer(timeouts: FilledServeOptions["timeouts"]): Server {
  const server: Server = http.createServer({
    connectionsCheckingInterval: timeouts.checkIntervalMs,
    shouldUpgradeCallback: (request) => server.listenerCount("upgrade") > 0 && asksForWebSocket(request),
  });
  applyTimeouts(server, timeouts);
  return server;
}

/** Sets how long clients may take, and answers unreadable requests in JSON. */
function applyTimeouts(
  server: Server,
  { headersMs, requestMs, keepAliveMs }: FilledServeOptions["timeouts"],
): void {
  server.headersTimeout = headersMs;
  server.requestTimeout = requestMs;
  server.keepAliveTimeout = keepAliveMs;
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => refuseUnreadable(error, socket));
  server.on("checkExpectation", (_request, response: ServerResponse) => {
    const body = JSON.stringify({ detail: "Only 100-continue can be expected", code: "EXPECTATION_FAILED" });
    response.writeHead(417, {
      Connection: "close",
      "Content-Type": "application/json; charset=utf-8",
      "Content-Length": Buffer.byteLength(body),
    });
    response.end(body);
  });
}

function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET" || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  const { status, code, detail } = unreadable(error.code);
  const body = JSON.stringify({ detail, code });
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

/**
 * Returns whether an answer is on its way, over which nothing may be written. Node's own handler looks at the same
 * field.
 */
function isAnswering(socket: Duplex): boolean {
  const { _httpMessage: answer } = socket as { _httpMessage?: ServerResponse | null };
  return answer?.headersSent ?? false;
}

function unreadable(code: string | undefined): { status: string; code: string; detail: string } {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return {
        status: "431 Request Header Fields Too Large",
        code: "HEADERS_TOO_LARGE",
        detail: "The headers are too large",
      };
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return {
        status: "413 Payload Too Large",
        code: "BODY_TOO_LARGE",
        detail: "The chunk extensions are too large",
      };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return {
        status: "408 Request Timeout",
        code: "REQUEST_TIMEOUT",
        detail: "The request took too long to arrive",
      };
    default:
      return { status: "400 Bad Request", code: "BAD_REQUEST", detail: "The request cannot be read" };
  }
}
