import { mediaParameters } from "../documents/guest-schemas.ts";
import { problem } from "../documents/schemas.ts";
import type { Endpoint, EndpointDocumentation } from "../endpoint.ts";
import type { Exchange } from "../exchange.ts";
import { commonAnswers } from "../http/common-answers.ts";
import { validated } from "../http/invalid-request.ts";
import { receiveSocket } from "../sockets/receive-socket.ts";
import { comingGuestOf, guestError } from "./guest.ts";
import { refuseEnded } from "./session-actions.ts";

const { judged, ofSession, validated: invalid, limited } = commonAnswers;

const documentation = {
  summary: "Come into the call over a WebSocket",
  description:
    "For edges that take WebSockets. What is sent over it is between the client and the edge, which chooses one of the subprotocols " +
    "that the client offers. Refusals come before the handshake, as ordinary answers. A `session_token` opens this, for a guest whose " +
    "id the server makes: in the query, in the header Greenroom-Session-Token, or, where a browser can set neither without a trace in " +
    "logs, as a subprotocol `greenroom-token.<token>` beside the one that is spoken. When the session ends the edge closes the socket with " +
    "its end reason: 1000, 1001 when the server shuts down. A socket that ends without a close frame (1006) has lost its session's " +
    "replica, or was cut: nothing came from the client for a minute, or it may not be in the call any more.",
  query: mediaParameters,
  answers: {
    ...judged,
    ...ofSession,
    ...invalid,
    ...limited,
    101: { description: "The handshake is answered, and the client is in the call." },
    409: {
      description: "The edge takes no WebSockets, or the agent is not in its call yet, or is leaving it.",
      schema: problem,
      headers: { "Retry-After": "Seconds after which to try again, where the agent is about to join." },
    },
    422: { ...invalid[422], description: "The request is not valid, or the edge does not take this client." },
    426: {
      description: "This is no handshake of a WebSocket: a proxy may have removed its headers.",
      schema: problem,
      headers: { Upgrade: "websocket" },
    },
    503: {
      ...judged[503],
      description:
        "The edge did not answer in time, a permission check took too long, or the replica that has the session cannot be reached.",
    },
  },
} as const satisfies Partial<EndpointDocumentation>;

export const mediaEndpoints: readonly Endpoint[] = [
  {
    method: "get",
    path: "/sessions/{session_id}/media",
    judgement: "canJoinCall",
    opensByToken: true,
    reachesSuccessor: true,
    documentation: { ...documentation, operationId: "openMediaSocket", tag: "sessions" },
    handle: openSocket,
  },
  {
    method: "get",
    path: "/calls/{call_id}/sessions/{session_id}/media",
    judgement: "canJoinCall",
    opensByToken: true,
    reachesSuccessor: true,
    documentation: { ...documentation, operationId: "openMediaSocketInCall", tag: "calls" },
    handle: openSocket,
  },
];

async function openSocket(exchange: Exchange): Promise<void> {
  const judged = await exchange.judged();
  const { session, caller } = judged;
  const wanted = validated(mediaParameters, exchange.query, "query");
  await refuseEnded(exchange, session);
  const guest = comingGuestOf(wanted, judged);
  try {
    await receiveSocket(exchange, { session, callerKey: caller.key, guest, data: {}, judgedAgain: true });
  } catch (error) {
    throw guestError(error, "query");
  }
}
