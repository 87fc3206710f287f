import type { IncomingMessage } from "node:http";
import type Koa from "koa";
import type { EntrustedSession, PeerNode, SessionRegistry } from "../../registry/registry.ts";
import { within } from "../../shared/deadline.ts";
import { GreenroomError } from "../../shared/errors.ts";
import { maxBodyBytes, readJsonBody } from "../http/body.ts";
import { isObject } from "../http/json.ts";
import { notesOf } from "../http/request-notes.ts";
import type { PeerQuestion, QuestionOrigin } from "./connection/peer-client.ts";
import { PeerError } from "./connection/peer-error.ts";

/** The time within which a peer has to take a session in, in milliseconds. */
const entrustTimeoutMs = 1_000;
/** The number of peers that a session is handed to. */
const mostTrusted = 2;

/** The part of the peers that is needed to hand a session over. */
interface TrustedPeers {
  reachable(): readonly PeerNode[];
  wasSilent(peer: PeerNode): boolean;
  ask(peer: PeerNode, question: PeerQuestion, from: QuestionOrigin): Promise<IncomingMessage>;
}

/** Hands a session to two peers. Resolves with whether one of them has it, within a second. Never rejects. */
export async function entrust(
  peers: TrustedPeers,
  mount: string,
  session: EntrustedSession,
): Promise<boolean> {
  const body = Buffer.from(JSON.stringify(session));
  // An end with so long a transcript is known here alone until the registry can be reached.
  if (body.length > maxBodyBytes) return false;
  const over = new AbortController();
  const trusted = peers.reachable().filter((peer) => !peers.wasSilent(peer));
  const chosen = trusted.sort(() => Math.random() - 0.5).slice(0, mostTrusted);
  const handed = chosen.map(async (peer) => {
    const answer = await peers.ask(
      peer,
      {
        method: "POST",
        target: `${mount}/health`,
        mount,
        headers: ["Content-Type", "application/json"],
        body,
        signTimeoutMs: entrustTimeoutMs,
        answerTimeoutMs: entrustTimeoutMs,
        signal: over.signal,
      },
      { kind: "entrusted", ip: "", host: null },
    );
    answer.resume();
    if (answer.statusCode !== 204) throw new PeerError(`It answered with ${answer.statusCode}`, false);
  });
  for (const one of handed) one.catch(() => undefined);
  try {
    await within(Promise.any(handed), entrustTimeoutMs, "To entrust a session");
    return true;
  } catch {
    over.abort();
    return false;
  }
}

/** Takes in a session of a peer, which has proved itself. */
export async function answerEntrusted(ctx: Koa.Context, registry: SessionRegistry): Promise<void> {
  const notes = notesOf(ctx);
  notes.quiet = true;
  notes.route = "entrusted";
  const session = await readJsonBody(ctx, notes.bodyHash);
  if (!isEntrusted(session)) throw new GreenroomError("BAD_REQUEST", "It is not a session");
  registry.takeIn(session);
  ctx.status = 204;
}

/** Returns whether a value is a session. A peer wrote it: only another version of Greenroom can send another form. */
function isEntrusted(value: unknown): value is EntrustedSession {
  if (!isObject(value) || !isObject(value.claim) || !isObject(value.owner)) return false;
  const { claim, owner, end, body } = value;
  const isEnd = end === null || end === "withdrawn" || (isObject(end) && typeof end.reason === "string");
  const isNamed = typeof claim.sessionId === "string" && typeof owner.nodeId === "string";
  return isEnd && isNamed && typeof owner.epoch === "number" && (body === null || typeof body === "string");
}
