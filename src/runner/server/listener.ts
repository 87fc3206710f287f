import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { cutUpgrades } from "../../control-plane/sockets/serve-upgrades.ts";

/** The error for an address at which the server cannot listen; its message says what to do. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** The flag that sets the port, for the message, such as `--port`. */
  readonly flag: string;
}

/** Resolves with the port once the server listens. */
export function listen(server: Server, place: ListenAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    // The listener stays: a connection that cannot be accepted later, as where descriptors are short, must not end the process.
    server.on("error", (error: NodeJS.ErrnoException) => {
      reject(new ListenError(explain(error, place), { cause: error }));
    });
    server.listen(place.port, place.host, () => resolve((server.address() as AddressInfo).port));
  });
}

function explain(error: NodeJS.ErrnoException, { host, port, flag }: ListenAddress): string {
  switch (error.code) {
    case "EADDRINUSE":
      return `port ${port} of ${host} is in use: choose another with ${flag}, or ${flag} 0 for any free one`;
    case "EACCES":
      return `port ${port} of ${host} may not be used by this user: choose one above 1023 with ${flag}`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `${host} is not an address of this machine`;
    default:
      return `cannot listen on port ${port} of ${host}: ${error.message}`;
  }
}

/** Returns the URL that reaches the server from this machine. */
export function localUrl(host: string, port: number): string {
  return urlOf(host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host, port);
}

/** Returns the address at which the server really listens, for a person. */
export function listeningText(host: string, port: number): string {
  const every = host === "0.0.0.0" || host === "::" ? " (every address of this machine)" : "";
  return `${urlOf(host, port)}${every}`;
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The time that requests in flight may take to end once the server closes, in milliseconds. */
const requestGraceMs = 5_000;

/** Accepts nothing more, closes idle connections at once and all others when their request is answered, or is overdue. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const timer = setTimeout(() => {
    server.closeAllConnections();
    cutUpgrades(server);
  }, requestGraceMs);
  await closed;
  clearTimeout(timer);
}
