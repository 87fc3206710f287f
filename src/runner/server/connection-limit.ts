import { readFileSync } from "node:fs";
import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** The numbers of descriptors that a process with sessions needs, estimated with a margin. */
const descriptors = {
  /** The number for the process's own files and pipes, the registry, peers and webhooks. */
  process: 64,
  /** The number for one session: six for its thread, the rest for sockets to the call and to providers. */
  session: 20,
  /** The number of connections below which the limit counts as low. */
  fewConnections: 256,
} as const;

/** The share of the connections beyond which none is kept after its answer. */
const crowdedShare = 0.75;

export interface ConnectionLimit {
  /** The most open connections at a time. */
  readonly connections: number;
  /** The warning for the operator where the limit of open files is low; else null. */
  readonly warning: string | null;
}

/**
 * Returns the number of open files that this process may have; null where that is not known, or unlimited. Node raises the
 * soft limit to the hard one.
 */
export function openFilesLimit(): number | null {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === undefined ? null : Number(soft);
  } catch {
    return null;
  }
}

/**
 * Returns the number of connections that are left when all sessions have what they need; a quarter of all descriptors
 * at the least.
 */
export function deriveConnections(openFiles: number, sessions: number): ConnectionLimit {
  const reserved = descriptors.process + descriptors.session * sessions;
  const connections = Math.max(Math.floor(openFiles / 4), openFiles - reserved);
  const wanted = reserved + descriptors.fewConnections;
  const warning =
    `The limit of open files is low (ulimit -n): ${openFiles}, where ${sessions} sessions want ${wanted}. ` +
    `At most ${connections} connections are open at a time`;
  return { connections, warning: openFiles < wanted ? warning : null };
}

/**
 * Keeps descriptors free for sessions. From three quarters of the limit on, each answer closes its connection, so that
 * other clients get in. Beyond the limit a connection is closed as soon as it is made, and its client may try another
 * replica.
 */
export function limitConnections(server: Server, connections: number): void {
  server.maxConnections = connections;
  const most = connections * crowdedShare;
  let open = 0;
  server.on("connection", (socket: Socket) => {
    open += 1;
    socket.once("close", () => {
      open -= 1;
    });
  });
  server.on("request", (_request, response: ServerResponse) => {
    if (open > most) response.setHeader("Connection", "close");
  });
}
