import type { IncomingMessage } from "node:http";
import { epochHeader } from "./connection/mark.ts";
import { AnotherReplica, PeerError } from "./connection/peer-error.ts";
import { WaitTimer } from "./connection/wait-timer.ts";

/** The answer of a replica about itself: the number of its node's life, or the reason why that is not known. */
export type PeerLife = { readonly epoch: number } | "gone" | "silent";

/** The longest time that a replica may take to say that it is there, in milliseconds, with the connection to it. */
export const livenessTimeoutMs = 1_000;

type Ask = (signal: AbortSignal) => Promise<IncomingMessage>;

/** Asks a replica for the number of its node's life, within {@link livenessTimeoutMs}. Never rejects. */
export async function peerLifeOf(ask: Ask): Promise<PeerLife> {
  try {
    const { statusCode, headers } = await answerOf(ask);
    const epoch = Number(headers[epochHeader.toLowerCase()]);
    return statusCode === 204 && Number.isSafeInteger(epoch) ? { epoch } : "silent";
  } catch (error) {
    const gone = error instanceof AnotherReplica || (error instanceof PeerError && error.refused);
    return gone ? "gone" : "silent";
  }
}

/** Asks a replica a question. Resolves with the status of its answer, or null, within the same time. Never rejects. */
export async function statusOf(ask: Ask): Promise<number | null> {
  return answerOf(ask).then(
    ({ statusCode }) => statusCode ?? null,
    () => null,
  );
}

/** Asks a replica a question that is answered without a body. Rejects after {@link livenessTimeoutMs}. */
async function answerOf(ask: Ask): Promise<IncomingMessage> {
  const overdue = new AbortController();
  const timer = new WaitTimer((error) => overdue.abort(new PeerError(error.message, true, error)));
  timer.wait("The answer of a replica to a question", livenessTimeoutMs);
  try {
    return (await ask(overdue.signal)).resume();
  } finally {
    timer.stop();
  }
}
