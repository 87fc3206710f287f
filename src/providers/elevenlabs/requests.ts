import type { IncomingMessage } from "node:http";
import { setImmediate as nextRound } from "node:timers/promises";
import type { Connections } from "../connections.ts";
import { refusalText, textOf } from "./body.ts";
import { connectionError } from "./error.ts";

export interface VoiceRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Closes the connection, also while the answer is being read. */
  readonly signal: AbortSignal;
}

/** A request whose answer is read whole, so that its connection is free again. */
export async function ask(
  connections: Connections,
  url: string,
  request: VoiceRequest,
): Promise<{ incoming: IncomingMessage; text: string }> {
  const incoming = await open(connections, url, request);
  const refused = (incoming.statusCode ?? 0) >= 400;
  const text = await (refused ? refusalText(incoming) : textOf(incoming));
  // Node's agent takes the connection back just after the end of the answer.
  await nextRound();
  return { incoming, text };
}

/** Resolves when the head of the answer is there. Rejects with the reason of the signal, or an `ElevenlabsError`. */
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
    // What breaks the answer is told to whoever reads it; nobody may be reading at that moment.
    answer.on("error", () => {});
    answer.once("close", over);
    resolve(answer);
  });
  return promise;
}
