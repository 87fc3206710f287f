import { now } from "../../shared/protocol.ts";
import { joinToken, joinTokenRequest } from "../documents/guest-schemas.ts";
import { problem } from "../documents/schemas.ts";
import { joinTokenJson } from "../documents/wire.ts";
import type { Endpoint, EndpointDocumentation } from "../endpoint.ts";
import type { Exchange } from "../exchange.ts";
import { commonAnswers } from "../http/common-answers.ts";
import { validated } from "../http/invalid-request.ts";
import { guestError, guestOf } from "./guest.ts";
import { refuseEnded } from "./session-actions.ts";

const { judged, ofSession, withBody, limited } = commonAnswers;

const documentation = {
  summary: "Let somebody join the call that the agent is in",
  description:
    "A token of the agent's own edge, for a client of that edge. A `session_token` is not accepted here: its bearer is not " +
    "known, and a join token lets them be any user that they name.",
  body: { schema: joinTokenRequest, required: false },
  answers: {
    ...judged,
    ...ofSession,
    ...withBody,
    ...limited,
    200: { description: "The token, and what else a client needs.", schema: joinToken },
    409: {
      description:
        "The agent is not in its call yet, or is leaving it, or its edge has no tokens, such as that of a call in memory.",
      schema: problem,
      headers: { "Retry-After": "Seconds after which to try again, where the agent is about to join." },
    },
    503: {
      ...judged[503],
      description:
        "The edge did not make a token in time, a permission check took too long, or the replica that has the session cannot be reached.",
    },
  },
} as const satisfies Partial<EndpointDocumentation>;

export const joinTokenEndpoints: readonly Endpoint[] = [
  {
    method: "post",
    path: "/sessions/{session_id}/join-token",
    judgement: "canJoinCall",
    documentation: { ...documentation, operationId: "createJoinToken", tag: "sessions" },
    handle: createJoinToken,
  },
  {
    method: "post",
    path: "/calls/{call_id}/sessions/{session_id}/join-token",
    judgement: "canJoinCall",
    documentation: { ...documentation, operationId: "createJoinTokenInCall", tag: "calls" },
    handle: createJoinToken,
  },
];

async function createJoinToken(exchange: Exchange): Promise<void> {
  const { body, session, caller } = await exchange.judgedWithBody();
  const wanted = validated(joinTokenRequest, body ?? {}, "body");
  await refuseEnded(exchange, session);
  const { ctx, plane } = exchange;
  plane.joinTokens.take(caller.key);
  const guest = guestOf(wanted, caller);
  const lifetimeSeconds = wanted.expires_in_seconds;
  // This time is a little early, since the token is made after it.
  const expiresAt = now() + lifetimeSeconds * 1_000;
  try {
    const made = await plane.supervisor.joinToken(session, guest, lifetimeSeconds);
    ctx.body = joinTokenJson(session, guest, expiresAt, made);
  } catch (error) {
    throw guestError(error, "body");
  }
}
