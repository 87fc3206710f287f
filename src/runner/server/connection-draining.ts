import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Supervisor } from "../../supervisor/supervisor.ts";

/**
 * Asks each client, in every answer after a shutdown was announced, to close its connection, so that it comes back to
 * another replica. Idle connections stay open until the server closes: a request may already be on its way on one, and
 * would be reset. The header is set here, since the app may be another application's.
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

/** Asks the client to close its connection. An answer whose headers are sent leaves this to the next answer on it. */
function askToPart(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader("Connection", "close");
}
