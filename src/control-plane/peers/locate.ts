import type { PeerNode } from "../../registry/registry.ts";
import { notesOf } from "../answer.ts";
import type { Exchange } from "../exchange.ts";
import { mountOf } from "./passed-on.ts";
import { PeerError } from "./peer-error.ts";

/** How long a peer may take to say whether it has a session: it looks into its own memory. In milliseconds. */
const locateTimeoutMs = 1_500;

/** Which peer has a session, or had it within the last 10 minutes: each is asked. Null: none that answered. */
export async function whoHas(exchange: Exchange, sessionId: string): Promise<PeerNode | null> {
  const { peers } = exchange.plane;
  const enough = new AbortController();
  const asked = peers.reachable().map(async (peer) => {
    if (await has(exchange, peer, sessionId, enough.signal)) return peer;
    throw new PeerError("It has no such session", true);
  });
  const owner = await Promise.any(asked).catch(() => null);
  enough.abort();
  return owner;
}

/** Answers a peer that looks for the owner of a session. What is told to whom is judged when the request itself comes. */
export function answerLocated({ ctx, plane, params }: Exchange): void {
  notesOf(ctx).quiet = true;
  ctx.status = plane.supervisor.getSession(params.session_id ?? "") ? 204 : 404;
}

async function has(
  { ctx, plane, scope }: Exchange,
  peer: PeerNode,
  id: string,
  signal: AbortSignal,
): Promise<boolean> {
  const answer = await plane.peers.ask(
    peer,
    {
      method: "HEAD",
      target: `${mountOf(ctx)}/sessions/${id}`,
      mount: mountOf(ctx),
      headers: ["X-Request-Id", notesOf(ctx).id],
      body: null,
      signTimeoutMs: locateTimeoutMs,
      answerTimeoutMs: locateTimeoutMs,
      signal,
    },
    { kind: "located", ip: scope.ip, host: ctx.req.headers.host ?? null },
  );
  answer.resume();
  return answer.statusCode === 204;
}
