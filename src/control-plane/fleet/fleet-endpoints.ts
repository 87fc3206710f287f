import { GreenroomError } from "../../shared/errors.ts";
import type { Endpoint } from "../endpoint.ts";
import { eventStreamHeaders } from "../events/event-stream.ts";
import { judgeAgain } from "../events/judge-again.ts";
import type { Caller, Exchange } from "../exchange.ts";
import { commonAnswers } from "../http/common-answers.ts";
import { notesOf } from "../http/request-notes.ts";
import { mountOf } from "../peers/passed-on.ts";
import { fleet } from "./fleet-schemas.ts";
import { streamFleet } from "./fleet-stream.ts";
import { ownFigures } from "./replica-figures.ts";

const { judged, limited } = commonAnswers;

const whoMay =
  "For those who may view every session: canViewSession is asked without a session, and denies where it looks at one.";

export const fleetEndpoints: readonly Endpoint[] = [
  {
    method: "get",
    path: "/fleet",
    documentation: {
      operationId: "getFleet",
      summary: "How all replicas are, and what happened in the last five minutes",
      description: whoMay,
      tag: "server",
      answers: { ...judged, 200: { description: "All replicas.", schema: fleet } },
    },
    handle: showFleet,
  },
  {
    method: "get",
    path: "/fleet/events",
    documentation: {
      operationId: "streamFleet",
      summary: "Follow all replicas as server-sent events",
      description:
        "An event fleet comes at once with all that is kept, and then each 2 s with what is new. A reader that is too slow for " +
        `that misses some, and is sent everything again. ${whoMay}`,
      tag: "server",
      answers: {
        ...judged,
        ...limited,
        200: {
          description: "The stream. The schema is that of each event's data.",
          contentType: "text/event-stream",
          schema: fleet,
        },
      },
    },
    handle: followFleet,
  },
];

async function showFleet(exchange: Exchange): Promise<void> {
  const { ctx, plane, hop } = exchange;
  notesOf(ctx).quiet = true;
  if (hop) {
    ctx.body = ownFigures(plane.supervisor, Number(ctx.query.after) || 0);
    return;
  }
  await demandView(exchange);
  const { whole } = await plane.fleet.now(mountOf(ctx));
  ctx.type = "application/json";
  ctx.body = whole;
}

async function followFleet(exchange: Exchange): Promise<void> {
  const { ctx, plane } = exchange;
  const caller = await demandView(exchange);
  const close = plane.streams.open(caller.key);
  const closed = plane.supervisor.metrics.eventStreamOpened();
  const { denied, stop } = judgeAgain(exchange, demandView);
  try {
    const first = await plane.fleet.now(mountOf(ctx));
    for (const [name, value] of Object.entries(eventStreamHeaders)) ctx.set(name, value);
    ctx.status = 200;
    ctx.respond = false;
    ctx.res.flushHeaders();
    if (ctx.method === "HEAD") ctx.res.end();
    else await streamFleet(ctx.res, plane.fleet, first, { stopped: plane.supervisor.sessionsEnded, denied });
  } finally {
    stop();
    closed();
    close();
  }
}

/** Throws where the caller may not view every session. */
async function demandView(exchange: Exchange): Promise<Caller> {
  const caller = await exchange.caller();
  await exchange.plane.permissions.demand("canViewSession", exchange.scope.child(allSessions));
  return caller;
}

/** The subject of a request about all sessions: a callback that has to look at one grants it for that one alone. */
const allSessions = {
  params: {},
  find: (): never => {
    throw new GreenroomError("FORBIDDEN", "Only those who may view every session may do this");
  },
};
