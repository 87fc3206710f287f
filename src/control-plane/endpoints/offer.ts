import type { JsonObject } from "../../shared/protocol.ts";
import { offerAnswer, offerRequest } from "../documents/guest-schemas.ts";
import { problem } from "../documents/schemas.ts";
import { offerJson } from "../documents/wire.ts";
import type { Endpoint, EndpointDocumentation } from "../endpoint.ts";
import type { Exchange } from "../exchange.ts";
import { commonAnswers } from "../http/common-answers.ts";
import { validated } from "../http/invalid-request.ts";
import { comingGuestOf, guestError } from "./guest.ts";
import { refuseEnded } from "./session-actions.ts";

const { judged, ofSession, withBody, limited } = commonAnswers;

const documentation = {
  summary: "Come into the call by an offer and an answer",
  description:
    "For edges that take offers, such as an SDP over WebRTC. The agent's edge answers within 5 s; an agent that is about to " +
    "join its call is waited for. A `session_token` opens this, for a guest whose id the server makes.",
  body: { schema: offerRequest, required: true },
  answers: {
    ...judged,
    ...ofSession,
    ...withBody,
    ...limited,
    200: { description: "The edge's answer.", schema: offerAnswer },
    409: {
      description: "The edge takes no offers, or the agent is not in its call yet, or is leaving it.",
      schema: problem,
      headers: { "Retry-After": "Seconds after which to try again, where the agent is about to join." },
    },
    422: { ...withBody[422], description: "The request is not valid, or the edge does not take this offer." },
    503: {
      ...judged[503],
      description:
        "The edge did not answer in time, a permission check took too long, or the replica that has the session cannot be reached.",
    },
  },
} as const satisfies Partial<EndpointDocumentation>;

export const offerEndpoints: readonly Endpoint[] = [
  {
    method: "post",
    path: "/sessions/{session_id}/offer",
    judgement: "canJoinCall",
    opensByToken: true,
    documentation: { ...documentation, operationId: "makeOffer", tag: "sessions" },
    handle: takeOffer,
  },
  {
    method: "post",
    path: "/calls/{call_id}/sessions/{session_id}/offer",
    judgement: "canJoinCall",
    opensByToken: true,
    documentation: { ...documentation, operationId: "makeOfferInCall", tag: "calls" },
    handle: takeOffer,
  },
];

async function takeOffer(exchange: Exchange): Promise<void> {
  const { body, ...judged } = await exchange.judgedWithBody();
  const wanted = validated(offerRequest, body, "body");
  const { session, caller } = judged;
  await refuseEnded(exchange, session);
  const { ctx, plane } = exchange;
  plane.joinTokens.take(caller.key);
  const guest = comingGuestOf(wanted, judged);
  try {
    const answer = await plane.supervisor.answerOffer(session, guest, wanted.offer as JsonObject);
    ctx.body = offerJson(session, guest, answer);
  } catch (error) {
    throw guestError(error, "body");
  }
}
