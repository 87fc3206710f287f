import type { ServerLog } from "../../log/log.ts";
import type { PeerRequestKind } from "../../metrics/labels.ts";
import type { PeerNode } from "../../registry/registry.ts";
import type { JsonValue } from "../../shared/protocol.ts";
import type { PeerQuestion } from "./connection/peer-client.ts";
import { PeerError } from "./connection/peer-error.ts";
import { readJson } from "./connection/read-json.ts";
import type { Peers } from "./peers.ts";

/** The longest time that a peer may take to give a sign of life, in milliseconds. */
const signTimeoutMs = 1_500;

/** A question that is put to all other replicas. */
export interface Survey<T> {
  readonly kind: PeerRequestKind;
  /** The longest time that a peer which gave a sign of life may take to answer, in milliseconds. Null: no limit. */
  readonly answerTimeoutMs: number | null;
  /** The client in whose name they are asked. */
  readonly caller: { readonly ip: string; readonly host: string | null };
  readonly signal: AbortSignal;
  requestTo(peer: PeerNode): Pick<PeerQuestion, "method" | "target" | "mount" | "headers">;
  /** Reads an answer. Throws where it is not one of those that are expected. */
  read(status: number, body: JsonValue, peer: PeerNode): T;
}

export interface Surveyed<T> {
  readonly answers: readonly T[];
  /** The node ids of the replicas that could not be asked, or did not answer as expected. */
  readonly missing: readonly string[];
}

interface Asking {
  readonly peers: Peers;
  readonly log: ServerLog;
}

/** Asks all other replicas. Never rejects. */
export async function survey<T>({ peers, log }: Asking, question: Survey<T>): Promise<Surveyed<T>> {
  if (!peers.registry.shared) return { answers: [], missing: [] };
  const asked = await Promise.all(
    peers.known().map(async (peer) => {
      if (peers.canReach(peer)) return answerOf({ peers, log }, peer, question);
      peers.cannotAsk(question.kind);
      return { peer };
    }),
  );
  const answers: T[] = [];
  const missing: string[] = [];
  for (const answer of asked) {
    if (answer === "gone") continue;
    if ("said" in answer) answers.push(answer.said);
    else missing.push(answer.peer.nodeId);
  }
  return { answers, missing };
}

async function answerOf<T>(
  { peers, log }: Asking,
  peer: PeerNode,
  { kind, caller, answerTimeoutMs, signal, requestTo, read }: Survey<T>,
): Promise<{ readonly said: T } | { readonly peer: PeerNode } | "gone"> {
  try {
    const request = { ...requestTo(peer), body: null, signTimeoutMs, answerTimeoutMs, signal };
    const answer = await peers.ask(peer, request, { kind, ...caller });
    return { said: read(answer.statusCode ?? 0, await readJson(answer), peer) };
  } catch (error) {
    if (error instanceof PeerError && error.refused && peers.refused(peer)) return "gone";
    log.debug(
      { event: "peer_sessions_missing", peer: peer.nodeId, err: error },
      "An answer lacks the part of a peer that did not answer",
    );
    return { peer };
  }
}

/** Returns the error for an answer that {@link Survey.read} does not expect. */
export function unexpected(status: number): PeerError {
  return new PeerError(`It answered with ${status}`, true);
}
