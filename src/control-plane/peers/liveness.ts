import type { IncomingMessage } from "node:http";
import { epochHeader } from "./connection/mark.ts";
import { AnotherReplica, PeerError } from "./connection/peer-error.ts";
import { Patience } from "./connection/wait-timer.ts";

/** The answer of a replica about itself: the number of its node's life; or the reason why that is not known. */
export type Presence = { readonly epoch: number } | "gone" | "silent";

/** The longest time that a replica may take to say that it is there, in milliseconds, with the connection to it. */
export const presenceTimeoutMs = 1_000;

/** Asks a replica for the number of its node's life, within {@link presenceTimeoutMs}. Never rejects. */
export async function presenceOf(ask: (signal: AbortSignal) => Promise<IncomingMessage>): Promise<Presence> {
  const overdue = new AbortController();
  const patience = new Patience((error) => overdue.abort(new PeerError(error.message, true, error)));
  patience.wait("A replica that was asked whether it is there", presenceTimeoutMs);
  try {
    const answer = await ask(overdue.signal);
    answer.resume();
    const epoch = Number(answer.headers[epochHeader.toLowerCase()]);
    return answer.statusCode === 204 && Number.isSafeInteger(epoch) ? { epoch } : "silent";
  } catch (error) {
    const gone = error instanceof AnotherReplica || (error instanceof PeerError && error.refused);
    return gone ? "gone" : "silent";
  } finally {
    patience.stop();
  }
}
