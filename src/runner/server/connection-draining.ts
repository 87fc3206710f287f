import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Supervisor } from "../../supervisor/supervisor.ts";

/**
 * Asks each client, in every answer from the announcement of a shutdown on, to come back on another connection, and so
 * elsewhere. Kept connections are left open until the server closes: a request may already be on its way on one that
 * seems idle, and would be reset. It is set here, since the app may be somebody else's.
 */
export function drainConnections(server: Server, supervisor: Supervisor): void {
  const answering = new Set<ServerResponse>();
  let parting = false;
  supervisor.onDrain(() => {
    parting = true;
    for (const response of answering) askToPart(response);
  });
  server.on("request", (_request: IncomingMessage, response: ServerResponse) => {
    if (parting) {
      askToPart(response);
      return;
    }
    answering.add(response);
    response.once("close", () => answering.delete(response));
  });
}

/** One whose headers are sent keeps its connection; the next answer on it asks. */
function askToPart(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader("Connection", "close");
}
