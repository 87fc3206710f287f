import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";

/**
 * The time between two pings, in milliseconds. A client that has not answered a ping when the next one is due
 * is disconnected.
 */
const pingIntervalMs = 10_000;
/**
 * The longest wait for a client's answer to a close, in milliseconds. It is shorter than the time in which a
 * call has to be left.
 */
const closeTimeoutMs = 1_000;

/** The options of a WebSocket over a socket that was handed over. */
export interface WebSocketOptions {
  /**
   * The largest message that a client may send, in bytes; for a larger one the socket is closed with 1009.
   * @default 65536
   */
  readonly maxMessageBytes?: number;
}

/**
 * Resolves with a WebSocket over the stream of a client that an edge accepted, whose handshake the server has
 * answered. A ping is sent every 10 s, and a client that does not answer is disconnected.
 */
export async function webSocketOver(
  stream: Duplex,
  { maxMessageBytes = 65_536 }: WebSocketOptions = {},
): Promise<WebSocket> {
  const { WebSocketServer } = await import("ws");
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
  });
  const { promise, resolve } = Promise.withResolvers<WebSocket>();
  const headers = {
    upgrade: "websocket",
    "sec-websocket-key": randomBytes(16).toString("base64"),
    "sec-websocket-version": "13",
  };
  // The first write is an answer to the handshake, which the client has received already.
  const { write } = stream;
  stream.write = () => {
    stream.write = write;
    return true;
  };
  server.handleUpgrade(
    { method: "GET", headers } as unknown as IncomingMessage,
    stream,
    Buffer.alloc(0),
    resolve,
  );
  const socket = await promise;
  pingFrom(socket);
  return socket;
}

function pingFrom(socket: WebSocket): void {
  let answered = true;
  socket.on("pong", () => {
    answered = true;
  });
  const pings = setInterval(() => {
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping();
  }, pingIntervalMs).unref();
  socket.once("close", () => clearInterval(pings));
}

/** Returns the code and the reason with which sockets are closed as the agent leaves: those of the session's end. */
export function socketCloseOf({ reason }: AbortSignal): { readonly code: number; readonly reason: string } {
  const closeReason =
    reason instanceof Error && "closeReason" in reason ? String(reason.closeReason) : "finished";
  return { code: closeCodes[closeReason] ?? 1_000, reason: closeReason };
}

/**
 * The codes of RFC 6455 by the reason of a close: going away, or internal error. All other reasons are normal
 * closures.
 */
const closeCodes: Readonly<Record<string, number>> = {
  drained: 1_001,
  out_of_memory: 1_011,
  start_failed: 1_011,
};

/** Closes a socket. It resolves when the socket is closed, after a second at the latest. It never rejects. */
export async function closeWebSocket(socket: WebSocket, code: number, reason: string): Promise<void> {
  if (socket.readyState === socket.CLOSED) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once("close", () => resolve());
  const overdue = setTimeout(() => socket.terminate(), closeTimeoutMs);
  socket.close(code, reason);
  await promise;
  clearTimeout(overdue);
}
