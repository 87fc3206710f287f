import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { http } from "../../network/node-http.ts";

/** The handshakes that are under way, and the bytes that came behind each. */
const upgrades = new WeakMap<IncomingMessage, Buffer>();
/** The open sockets of handshakes, by the server that accepted them: Node does not count them any more. */
const open = new WeakMap<Server, Set<Socket>>();

/**
 * Returns whether a request is a WebSocket's handshake. Requests for other upgrades, such as to HTTP/2, are answered as
 * ordinary ones.
 */
export function asksForWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === "GET" && headers.upgrade?.toLowerCase() === "websocket";
}

/**
 * Has an application answer the handshakes of WebSockets as it answers other requests. A refusal is an ordinary answer,
 * after which the connection ends. The server has to be made with {@link asksForWebSocket} as `shouldUpgradeCallback`.
 */
export function serveUpgrades(server: Server, listener: RequestListener): void {
  const sockets = new Set<Socket>();
  open.set(server, sockets);
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // The code that takes the socket over learns of its end; this listener keeps an error from being uncaught.
    socket.on("error", () => undefined);
    upgrades.set(request, head);
    const response = new http.ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once("finish", () => {
      response.detachSocket(socket);
      socket.destroySoon();
    });
    void listener(request, response);
  });
}

/** Cuts the sockets that came to a server by a handshake and are still open. */
export function cutUpgrades(server: Server): void {
  for (const socket of open.get(server) ?? []) socket.destroy();
}

/** Returns whether this request is a handshake whose socket can be taken over. */
export function isUpgrade(request: IncomingMessage): boolean {
  return upgrades.has(request);
}

/** Takes the socket of a handshake over, once it has been answered with 101. */
export function takeSocket(request: IncomingMessage, response: ServerResponse): Socket {
  const { socket } = request;
  response.detachSocket(socket);
  const head = upgrades.get(request);
  if (head !== undefined && head.length > 0) socket.unshift(head);
  socket.setTimeout(0);
  return socket;
}
