import { problem, sessionList, sessionProblem, validationProblem } from "../documents/schemas.ts";
import type { DocumentedAnswer } from "../endpoint.ts";

const retryAfter = { "Retry-After": "Seconds after which to try again." };

/** The headers of an answer that comes from several replicas. */
export const incompleteHeaders = {
  "Greenroom-Incomplete":
    "Names the replicas that could not be asked, where there are such: their sessions are missing.",
};

type Answers = Readonly<Record<number, DocumentedAnswer>>;

/** The answers that many endpoints share, by what an endpoint does. */
export const commonAnswers = {
  /** The answers of any endpoint that asks for the caller. */
  judged: {
    400: { description: "The request cannot be read.", schema: problem },
    401: { description: "The caller is not known.", schema: problem },
    403: { description: "The caller may not do this.", schema: problem },
    500: { description: "Something went wrong in the server; its log says what.", schema: problem },
    503: {
      description:
        "A permission callback of the server took too long, or the replica that has the session, or may have it, cannot be reached.",
      schema: problem,
      headers: retryAfter,
    },
  },
  ofSession: {
    404: {
      description: "There is no such live session in any replica, or the caller may not view it.",
      schema: sessionProblem,
    },
  },
  validated: { 422: { description: "The request is not valid.", schema: validationProblem } },
  list: {
    200: {
      description: "Those of all replicas, the oldest first.",
      schema: sessionList,
      headers: incompleteHeaders,
    },
  },
  limited: { 429: { description: "The caller does this too often.", schema: problem, headers: retryAfter } },
  withBody: {
    413: { description: "The body is larger than 64 KiB.", schema: problem },
    415: { description: "The body is not application/json in UTF-8.", schema: problem },
    422: { description: "The request is not valid.", schema: validationProblem },
  },
  start: {
    409: {
      description: "The first request with this Idempotency-Key is still under way.",
      schema: problem,
      headers: retryAfter,
    },
    429: {
      description:
        "There are as many sessions as there may be, altogether or in this call, in all replicas, or the caller starts too many.",
      schema: problem,
      headers: retryAfter,
    },
    500: { description: "The agent failed to start; the server's log says why.", schema: problem },
    503: {
      description: "No session can be started now: the server warms up, is overloaded, or shuts down.",
      schema: problem,
      headers: retryAfter,
    },
    504: {
      description:
        "The replica that took the start over fell silent: whether a session has begun is not known. Not to be tried again unseen.",
      schema: problem,
    },
  },
} as const satisfies Record<string, Answers>;
