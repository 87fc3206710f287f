import { GreenroomError } from "../../shared/errors.ts";
import { eventParameters } from "../documents/schemas.ts";
import type { Endpoint, EndpointDocumentation } from "../endpoint.ts";
import type { Exchange } from "../exchange.ts";
import { commonAnswers } from "../http/common-answers.ts";
import { InvalidRequest, validated } from "../http/invalid-request.ts";
import { notesOf } from "../http/request-notes.ts";
import { streamed } from "./event-schemas.ts";
import { emptyStream, eventStreamHeaders, streamEvents } from "./event-stream.ts";
import { judgeAgain } from "./judge-again.ts";

const { judged, ofSession, validated: invalid, limited } = commonAnswers;

const documentation = {
  summary: "Follow a session as server-sent events",
  description:
    "Events are state, transcript, turn, tool, user_silent, participant_unheard, participant_heard, role, blocked, metrics and, " +
    "as the last one, end. " +
    "Each has an id that counts up. " +
    "Interim words of a user are not sent again once others stand in their place. " +
    "The newest are kept, also for 10 minutes after the session's end: they are sent first. " +
    "Where events after Last-Event-ID are kept no more, an event gap says so. " +
    "While the session is on its way to another replica, a request that accepts text/event-stream is answered with a stream that ends " +
    "at once, so that an EventSource comes back; any other request with 503. " +
    "While the server shuts down, a stream goes on until its session has ended. " +
    "It ends within 5 s after its caller may not view the session any more, such as with a key that was revoked.",
  query: eventParameters,
  headers: {
    "Last-Event-ID": "The events after this one are sent again. Browsers set it when they come back.",
  },
  answers: {
    ...judged,
    ...ofSession,
    ...invalid,
    ...limited,
    200: {
      description: "The stream. The schema is that of each event's data.",
      contentType: "text/event-stream",
      schema: streamed,
    },
    204: { description: "The session has ended, and Last-Event-ID is its last event: do not come back." },
  },
} as const satisfies Partial<EndpointDocumentation>;

export const eventEndpoints: readonly Endpoint[] = [
  {
    method: "get",
    path: "/sessions/{session_id}/events",
    judgement: "canViewSession",
    documentation: { ...documentation, operationId: "streamEvents", tag: "sessions" },
    handle: followEvents,
    handleError: haveReaderComeBack,
  },
  {
    method: "get",
    path: "/calls/{call_id}/sessions/{session_id}/events",
    judgement: "canViewSession",
    documentation: { ...documentation, operationId: "streamEventsInCall", tag: "calls" },
    handle: followEvents,
    handleError: haveReaderComeBack,
  },
];

async function followEvents(exchange: Exchange): Promise<void> {
  const { session, caller, byToken } = await exchange.judged();
  const { last_event_id: ofQuery } = validated(eventParameters, exchange.query, "query");
  const afterId = lastEventId(exchange.scope.headers) ?? Number(ofQuery ?? 0);
  const { ctx, plane } = exchange;
  if (session.events.ended && afterId === session.events.lastId) {
    // An EventSource comes back after every end; 204 tells it to stop.
    ctx.status = 204;
    return;
  }
  if (ctx.method === "HEAD") {
    sendHeaders(ctx);
    ctx.res.end();
    return;
  }
  const close = plane.streams.open(caller.key);
  const closed = plane.supervisor.metrics.eventStreamOpened();
  const { denied, stop } = judgeAgain(exchange);
  try {
    sendHeaders(ctx);
    const options = { ...plane.options, errors: byToken ? "code" : "whole" } as const;
    await streamEvents(ctx.res, session.events, afterId, options, {
      stopped: plane.supervisor.sessionsEnded,
      denied,
    });
  } catch (error) {
    ctx.res.destroy();
    throw error;
  } finally {
    stop();
    closed();
    close();
  }
}

/**
 * Answers an EventSource with a stream that ends at once, where the session may be followed soon: it goes on in another replica, or
 * nobody can be asked. An EventSource gives up for good at any other status than 200, and comes back after a stream that ended.
 */
function haveReaderComeBack({ ctx }: Exchange, error: unknown): boolean {
  const passes = GreenroomError.is(error) && error.status === 503;
  if (!passes || ctx.method !== "GET" || ctx.headerSent) return false;
  if (!ctx.get("Accept").includes("text/event-stream")) return false;
  notesOf(ctx).code = error.code;
  sendHeaders(ctx);
  ctx.res.end(emptyStream(error.code));
  return true;
}

/** Sends the headers. From here on the response is written without Koa, so no error may be thrown that should be answered. */
function sendHeaders(ctx: Exchange["ctx"]): void {
  for (const [name, value] of Object.entries(eventStreamHeaders)) ctx.set(name, value);
  ctx.status = 200;
  ctx.respond = false;
  ctx.res.flushHeaders();
}

function lastEventId(headers: Headers): number | null {
  const header = headers.get("last-event-id");
  if (header === null || header === "") return null;
  if (/^\d{1,15}$/.test(header)) return Number(header);
  throw new InvalidRequest([
    { loc: ["header", "last-event-id"], msg: "Expected the id of an event", type: "string_pattern_mismatch" },
  ]);
}
