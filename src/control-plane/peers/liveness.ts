import type { IncomingMessage } from "node:http";
import { epochHeader } from "./connection/mark.ts";
import { AnotherReplica, PeerError } from "./connection/peer-error.ts";
import { WaitTimer } from "./connection/wait-timer.ts";

/** The answer of a replica about itself: the number of its node's life; or the reason why that is not known. */
export type PeerLife = { readonly epoch: number } | "gone" | "silent";

/** The longest time that a replica may take to say that it is there, in milliseconds, with the connection to it. */
export const livenessTimeoutMs = 1_000;

/** Asks a replica for the number of its node's life, within {@link livenessTimeoutMs}. Never rejects. */
export async function peerLifeOf(ask: (signal: AbortSignal) => Promise<IncomingMessage>): Promise<PeerLife> {
  const overdue = new AbortController();
  const timer = new WaitTimer((error) => overdue.abort(new PeerError(error.message, true, error)));
  timer.wait("A replica that was asked whether it is there", livenessTimeoutMs);
  try {
    const answer = await ask(overdue.signal);
    answer.resume();
    const epoch = Number(answer.headers[epochHeader.toLowerCase()]);
    return answer.statusCode === 204 && Number.isSafeInteger(epoch) ? { epoch } : "silent";
  } catch (error) {
    const gone = error instanceof AnotherReplica || (error instanceof PeerError && error.refused);
    return gone ? "gone" : "silent";
  } finally {
    timer.stop();
  }
}
