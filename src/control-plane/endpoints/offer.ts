import { GreenroomError } from "../../shared/errors.ts";
import type { JsonObject } from "../../shared/protocol.ts";
import { offerAnswer, offerRequest } from "../documents/guest-schemas.ts";
import { problem } from "../documents/schemas.ts";
import { offerJson } from "../documents/wire.ts";
import type { Endpoint, EndpointDocumentation } from "../endpoint.ts";
import type { Exchange, Judged } from "../exchange.ts";
import { commonAnswers } from "../http/common-answers.ts";
import { validated } from "../http/invalid-request.ts";
import { comingGuestOf, guestError, type WantedGuest } from "./guest.ts";
import { refuseEnded } from "./session-actions.ts";

const { judged, ofSession, withBody, limited } = commonAnswers;

/** The type of an offer in the manner of WHIP. */
const sdpType = "application/sdp";

const documentation = {
  summary: "Come into the call by an offer and an answer",
  description:
    "For edges that take offers, such as an SDP over WebRTC. The agent's edge answers within 5 s; an agent that is about to " +
    "join its call is waited for. A `session_token` opens this, for a guest whose id the server makes. A body of the type " +
    "`application/sdp` is an offer in the manner of WHIP (RFC 9725): the answer is 201 with the SDP and a `Location`, DELETE of which ends " +
    "the participation. Candidates come with the offer and are not trickled.",
  body: { schema: offerRequest, required: true },
  answers: {
    ...judged,
    ...ofSession,
    ...withBody,
    ...limited,
    200: { description: "The edge's answer.", schema: offerAnswer },
    201: {
      description: "The edge's answer to an offer as `application/sdp`.",
      contentType: sdpType,
      headers: { Location: "The resource of the participation." },
    },
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

const endOfOffer = {
  summary: "End what an offer began",
  description: "The participant whose offer was answered with this `Location` leaves the call.",
  answers: {
    ...judged,
    ...ofSession,
    ...limited,
    204: { description: "The participant has left." },
    409: documentation.answers[409],
    422: { ...withBody[422], description: "There is no such participation, or it is over." },
  },
} as const satisfies Partial<EndpointDocumentation>;

const common = { judgement: "canJoinCall", opensByToken: true, reachesSuccessor: true } as const;

export const offerEndpoints: readonly Endpoint[] = [
  {
    ...common,
    method: "post",
    path: "/sessions/{session_id}/offer",
    textBody: sdpType,
    documentation: { ...documentation, operationId: "makeOffer", tag: "sessions" },
    handle: takeOffer,
  },
  {
    ...common,
    method: "post",
    path: "/calls/{call_id}/sessions/{session_id}/offer",
    textBody: sdpType,
    documentation: { ...documentation, operationId: "makeOfferInCall", tag: "calls" },
    handle: takeOffer,
  },
  {
    ...common,
    method: "delete",
    path: "/sessions/{session_id}/offer/{resource}",
    documentation: { ...endOfOffer, operationId: "endOffer", tag: "sessions" },
    handle: endOffer,
  },
  {
    ...common,
    method: "delete",
    path: "/calls/{call_id}/sessions/{session_id}/offer/{resource}",
    documentation: { ...endOfOffer, operationId: "endOfferInCall", tag: "calls" },
    handle: endOffer,
  },
];

async function takeOffer(exchange: Exchange): Promise<void> {
  const { body, ...judged } = await exchange.judgedWithBody();
  const isSdp = typeof body === "string" && exchange.ctx.is(sdpType) === sdpType;
  const offer = isSdp ? { offer: { type: "offer", sdp: body } } : body;
  const wanted = validated(offerRequest, offer, "body");
  const { session, guest, answer } = await askEdge(exchange, judged, wanted, wanted.offer as JsonObject);
  const { ctx } = exchange;
  if (isSdp) answerSdp(ctx, answer);
  else ctx.body = offerJson(session, guest, answer);
}

async function endOffer(exchange: Exchange): Promise<void> {
  const judged = await exchange.judged();
  const { resource = "" } = exchange.params;
  await askEdge(exchange, judged, {}, { type: "leave", resource });
  exchange.ctx.status = 204;
}

/** Resolves with the answer of the session's edge to an offer of this guest. */
async function askEdge(exchange: Exchange, judged: Judged, wanted: WantedGuest, offer: JsonObject) {
  const { session, caller } = judged;
  const { plane } = exchange;
  await refuseEnded(exchange, session);
  plane.joinTokens.take(caller.key);
  const guest = comingGuestOf(wanted, judged);
  try {
    return { session, guest, answer: await plane.supervisor.answerOffer(session, guest, offer) };
  } catch (error) {
    throw guestError(error, "body");
  }
}

/** Answers in the form of WHIP. Throws EDGE_FAILED where the edge's answer is no SDP. */
function answerSdp(ctx: Exchange["ctx"], { sdp, resource }: JsonObject): void {
  if (typeof sdp !== "string") throw new GreenroomError("EDGE_FAILED");
  ctx.status = 201;
  ctx.set("Content-Type", sdpType);
  if (typeof resource === "string") {
    const [path = ""] = ctx.originalUrl.split("?");
    ctx.set("Location", `${path.replace(/\/$/, "")}/${encodeURIComponent(resource)}`);
  }
  ctx.body = sdp;
}
