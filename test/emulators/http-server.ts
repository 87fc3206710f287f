import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WireLog } from "./emulator.ts";

/** A certificate and its key, in PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/**
 * The HTTP side of an emulator: a port of 127.0.0.1 whose connections are counted and told in the log, as `connection` and
 * `connection_closed`. Like the real services it keeps a connection for minutes, without a header that says how long.
 */
export abstract class HttpServer implements AsyncDisposable {
  readonly log = new WireLog();
  readonly #server: Server;
  readonly #scheme: string;
  /** The open connections, with the number of each, from 1. */
  readonly #sockets = new Map<Socket, number>();
  #port = 0;
  #connections = 0;

  /** Serves https where there is a certificate. */
  constructor(tls: Certificate | undefined) {
    const serve = (request: IncomingMessage, response: ServerResponse) => this.serve(request, response);
    this.#scheme = tls === undefined ? "http" : "https";
    this.#server = tls === undefined ? createServer(serve) : createSecureServer(tls, serve);
    this.#server.keepAliveTimeout = 0;
    this.#server.on(tls === undefined ? "connection" : "secureConnection", (socket) =>
      this.#connected(socket),
    );
  }

  /** Answers a request. */
  protected abstract serve(request: IncomingMessage, response: ServerResponse): void;

  /** Has requests for another protocol, such as WebSocket, answered by this function. */
  protected serveUpgrades(
    shakeHands: (request: IncomingMessage, socket: Duplex, head: Buffer) => unknown,
  ): void {
    this.#server.on("upgrade", shakeHands);
  }

  async listen(port: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject).listen(port, "127.0.0.1", resolve);
    await promise;
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** The address without a path. */
  get origin(): string {
    return `${this.#scheme}://127.0.0.1:${this.#port}`;
  }

  /** Connections so far. */
  get connections(): number {
    return this.#connections;
  }

  /** Connections that are open. */
  get openConnections(): number {
    return this.#sockets.size;
  }

  /** Returns the number of a request's connection; undefined where it is closed. */
  protected connectionOf({ socket }: IncomingMessage): number | undefined {
    return this.#sockets.get(socket);
  }

  /** Closes idle connections, as a service does after minutes without use. */
  closeIdleConnections(): void {
    this.#server.closeIdleConnections();
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const socket of this.#sockets.keys()) socket.destroy();
    await promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #connected(socket: Socket): void {
    const connection = ++this.#connections;
    this.#sockets.set(socket, connection);
    this.log.add("connection", { connection });
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.log.add("connection_closed", { connection });
    });
  }
}
