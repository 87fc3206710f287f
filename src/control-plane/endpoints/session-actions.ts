import { GreenroomError } from "../../shared/errors.ts";
import type { Session } from "../../supervisor/session/session.ts";
import { closeParameters, isYes } from "../documents/schemas.ts";
import { endJson, type SessionJson, sessionJson } from "../documents/wire.ts";
import type { Exchange } from "../exchange.ts";
import { DetailedError } from "../http/error-answer.ts";
import { validated } from "../http/invalid-request.ts";

export async function showSession(exchange: Exchange): Promise<void> {
  const { session, byToken } = await exchange.judged();
  await refuseEnded(exchange, session);
  const json = sessionJson(session, exchange.plane.supervisor.node.nodeId);
  exchange.ctx.body = byToken ? withoutSecrets(json) : json;
}

/** Returns a session for the bearer of a session token: `config`, the caller who started it, and the replica are not for browsers. */
function withoutSecrets(session: SessionJson): SessionJson {
  return { ...session, config: null, created_by: null, node_id: null };
}

/**
 * Closes the session of the path. Answers with this status once closing has begun; with `?wait=true`, once the end is
 * shown.
 */
export async function closeSession(exchange: Exchange, status: 200 | 202 | 204): Promise<void> {
  const { session, caller } = await exchange.judged();
  const { wait } = validated(closeParameters, exchange.query, "query");
  const closing = await exchange.plane.supervisor.closeSession(session.id, {
    by: caller.text,
    wait: isYes(wait),
  });
  if (!closing) {
    if (session.mayBeElsewhere) throw new GreenroomError("PEER_UNREACHABLE");
    await refuseEnded(exchange, session);
    throw new GreenroomError("SESSION_NOT_FOUND", session.id);
  }
  exchange.ctx.status = status;
  if (status !== 204) exchange.ctx.body = { status: "closing" };
}

/** Throws the 404 of an ended session, which says why it ended to a caller who may view it. */
export async function refuseEnded(exchange: Exchange, session: Session): Promise<void> {
  if (session.shownState !== "ended") return;
  throw (await exchange.mayView())
    ? new DetailedError(
        "SESSION_NOT_FOUND",
        session.id,
        endJson(session, exchange.byToken ? "code" : "whole"),
      )
    : new GreenroomError("SESSION_NOT_FOUND", session.id);
}
