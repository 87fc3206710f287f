import {
  closeParameters,
  closing,
  listParameters,
  session,
  startedSession,
  startRequest,
} from "../documents/schemas.ts";
import type { Endpoint } from "../endpoint.ts";
import { commonAnswers } from "../http/common-answers.ts";
import { listSessions } from "./list.ts";
import { closeSession, showSession } from "./session-actions.ts";
import { startSession } from "./start.ts";

const { judged, ofSession, validated, withBody, start, list } = commonAnswers;

export const sessionEndpoints: readonly Endpoint[] = [
  {
    method: "post",
    path: "/sessions",
    documentation: {
      operationId: "startSession",
      summary: "Put an agent into a call",
      description: "Answers once the agent is created; it goes on to join the call.",
      tag: "sessions",
      headers: {
        "Idempotency-Key":
          "1 to 255 printable characters. The same key with the same body gets the first answer again, for 10 minutes; with another body, 422. In all replicas.",
      },
      body: { schema: startRequest, required: true },
      answers: {
        ...judged,
        ...withBody,
        ...start,
        201: {
          description: "The agent is created.",
          schema: startedSession,
          headers: { "Idempotency-Replayed": "true where this is the answer to an earlier request." },
        },
      },
    },
    handle: startSession,
  },
  {
    method: "get",
    path: "/sessions",
    documentation: {
      operationId: "listSessions",
      summary: "List the live sessions that you may view",
      tag: "sessions",
      query: listParameters,
      answers: { ...judged, ...validated, ...list },
    },
    handle: listSessions,
  },
  {
    method: "get",
    path: "/sessions/{session_id}",
    judgement: "canViewSession",
    documentation: {
      operationId: "getSession",
      summary: "Look at a live session",
      description: "For 10 minutes after its end the 404 says why it ended, to those who may view it.",
      tag: "sessions",
      answers: { ...judged, ...ofSession, 200: { description: "The session.", schema: session } },
    },
    handle: showSession,
  },
  {
    method: "delete",
    path: "/sessions/{session_id}",
    judgement: "canCloseSession",
    documentation: {
      operationId: "closeSession",
      summary: "Close a session",
      tag: "sessions",
      query: closeParameters,
      answers: {
        ...judged,
        ...ofSession,
        ...validated,
        204: { description: "Closing has begun; with ?wait=true, the session has ended." },
      },
    },
    handle: (exchange) => closeSession(exchange, 204),
  },
  {
    method: "post",
    path: "/sessions/{session_id}/close",
    judgement: "canCloseSession",
    documentation: {
      operationId: "closeSessionByBeacon",
      summary: "Close a session from a page that is being left",
      description: "For sendBeacon, which can only POST. Any body of any content type is ignored.",
      tag: "sessions",
      query: closeParameters,
      answers: {
        ...judged,
        ...ofSession,
        ...validated,
        200: { description: "Closing has begun.", schema: closing },
      },
    },
    handle: (exchange) => closeSession(exchange, 200),
  },
];
