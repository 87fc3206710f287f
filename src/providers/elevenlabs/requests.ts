import type { IncomingMessage } from "node:http";
import { refusalText } from "../http/body.ts";
import { type Connections, connectionFreed } from "../http/connections.ts";
import { type HttpRequest, isStale } from "../http/request.ts";
import { textOf } from "./body.ts";
import { connectionError } from "./error.ts";

/**
 * Makes a request whose response is read to its end, so that its connection can be used again. It rejects with an
 * {@link ElevenlabsError}, or with the reason of the signal.
 */
export async function ask(
  connections: Connections,
  url: string,
  request: HttpRequest,
): Promise<{ incoming: IncomingMessage; text: string }> {
  const incoming = await open(connections, url, request);
  const refused = (incoming.statusCode ?? 0) >= 400;
  const text = await (refused ? refusalText(incoming) : textOf(incoming));
  await connectionFreed();
  return { incoming, text };
}

/**
 * Resolves when the head of the response has arrived. It rejects with the reason of the signal, or an
 * {@link ElevenlabsError}.
 */
export async function open(
  connections: Connections,
  url: string,
  request: HttpRequest,
): Promise<IncomingMessage> {
  try {
    return await connections.request(url, request);
  } catch (error) {
    if (request.signal?.aborted) throw request.signal.reason;
    throw connectionError(error, isStale(error));
  }
}
