import {
  closeParameters,
  closing,
  listParameters,
  session,
  sessionMetrics,
  startedSession,
  startInCallRequest,
} from "../documents/schemas.ts";
import type { Endpoint } from "../endpoint.ts";
import { commonAnswers } from "../http/common-answers.ts";
import { closeCallEndpoint } from "./close-call.ts";
import { listSessions } from "./list.ts";
import { showMetrics } from "./metrics.ts";
import { closeSession, showSession } from "./session-actions.ts";
import { startSessionInCall } from "./start.ts";

const { judged, ofSession, validated, withBody, start, list } = commonAnswers;

/** The endpoints with the paths of Vision Agents. The session of another call is not found here. */
export const callEndpoints: readonly Endpoint[] = [
  {
    method: "post",
    path: "/calls/{call_id}/sessions",
    documentation: {
      operationId: "startSessionInCall",
      summary: "Put an agent into this call",
      tag: "calls",
      headers: { "Idempotency-Key": "As for POST /sessions." },
      body: { schema: startInCallRequest, required: false },
      answers: {
        ...judged,
        ...withBody,
        ...start,
        201: { description: "The agent is created.", schema: startedSession },
      },
    },
    handle: startSessionInCall,
  },
  {
    method: "get",
    path: "/calls/{call_id}/sessions",
    documentation: {
      operationId: "listSessionsInCall",
      summary: "List the live sessions of this call that you may view",
      tag: "calls",
      query: listParameters.omit({ call_id: true }),
      answers: { ...judged, ...validated, ...list },
    },
    handle: listSessions,
  },
  closeCallEndpoint,
  {
    method: "get",
    path: "/calls/{call_id}/sessions/{session_id}",
    judgement: "canViewSession",
    documentation: {
      operationId: "getSessionInCall",
      summary: "Look at a live session of this call",
      tag: "calls",
      answers: { ...judged, ...ofSession, 200: { description: "The session.", schema: session } },
    },
    handle: showSession,
  },
  {
    method: "delete",
    path: "/calls/{call_id}/sessions/{session_id}",
    judgement: "canCloseSession",
    documentation: {
      operationId: "closeSessionInCall",
      summary: "Close a session of this call",
      tag: "calls",
      query: closeParameters,
      answers: {
        ...judged,
        ...ofSession,
        ...validated,
        202: { description: "Closing has begun.", schema: closing },
      },
    },
    handle: (exchange) => closeSession(exchange, 202),
  },
  {
    method: "post",
    path: "/calls/{call_id}/sessions/{session_id}/close",
    judgement: "canCloseSession",
    documentation: {
      operationId: "closeSessionInCallByBeacon",
      summary: "Close a session of this call from a page that is being left",
      tag: "calls",
      query: closeParameters,
      answers: {
        ...judged,
        ...ofSession,
        ...validated,
        202: { description: "Closing has begun.", schema: closing },
      },
    },
    handle: (exchange) => closeSession(exchange, 202),
  },
  {
    method: "get",
    path: "/calls/{call_id}/sessions/{session_id}/metrics",
    judgement: "canViewMetrics",
    documentation: {
      operationId: "getSessionMetricsInCall",
      summary: "What was measured in a session of this call",
      tag: "calls",
      answers: { ...judged, ...ofSession, 200: { description: "The figures.", schema: sessionMetrics } },
    },
    handle: showMetrics,
  },
];
