import type { IncomingMessage } from "node:http";
import { setImmediate as nextRound } from "node:timers/promises";
import type { Connections } from "../connections.ts";
import { refusalText, textOf } from "./body.ts";
import { connectionError } from "./error.ts";

export interface VoiceRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Closes the connection, also while the response is being read. */
  readonly signal: AbortSignal;
}

/**
 * Makes a request whose response is read to its end, so that its connection can be used again. It rejects
 * with an {@link ElevenlabsError}, or with the reason of the signal.
 */
export async function ask(
  connections: Connections,
  url: string,
  request: VoiceRequest,
): Promise<{ incoming: IncomingMessage; text: string }> {
  const incoming = await open(connections, url, request);
  const refused = (incoming.statusCode ?? 0) >= 400;
  const text = await (refused ? refusalText(incoming) : textOf(incoming));
  // Node's agent takes the connection back just after the end of the response.
  await nextRound();
  return { incoming, text };
}

/**
 * Resolves when the head of the response has arrived. It rejects with the reason of the signal, or an {@link
 * ElevenlabsError}.
 */
export function open(
  connections: Connections,
  url: string,
  { method, headers, body, signal }: VoiceRequest,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  if (signal.aborted) {
    reject(signal.reason);
    return promise;
  }
  const outgoing = connections.send(url, { method, headers }, body);
  let incoming: IncomingMessage | null = null;
  const cancel = () => {
    reject(signal.reason);
    (incoming ?? outgoing).destroy();
  };
  const over = () => signal.removeEventListener("abort", cancel);
  signal.addEventListener("abort", cancel, { once: true });
  outgoing.on("error", (error) => {
    over();
    reject(connectionError(error, outgoing.reusedSocket));
  });
  outgoing.on("response", (answer) => {
    incoming = answer;
    // An error is reported to the reader of the body; at this moment there may be none.
    answer.on("error", () => {});
    answer.once("close", over);
    resolve(answer);
  });
  return promise;
}
