import Koa from "koa";
import { now } from "../protocol.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import { Answering, notesOf } from "./answer.ts";
import { commonAnswers } from "./common-answers.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Exchange } from "./exchange.ts";
import { GreenroomError } from "../errors.ts";
import { sessionMetrics } from "./schemas.ts";
import { metricsJson } from "./wire.ts";

const { judged, ofSession } = commonAnswers;

/** The figures of one session. They stay readable for 10 minutes after its end. */
export async function showMetrics(exchange: Exchange): Promise<void> {
  const { session } = await exchange.sessionFor("canViewMetrics");
  exchange.ctx.body = metricsJson(session, now());
}

export const sessionMetricsEndpoints: readonly Endpoint[] = [
  {
    method: "get",
    path: "/sessions/{session_id}/metrics",
    documentation: {
      operationId: "getSessionMetrics",
      summary: "What was measured in a session",
      description: "Readable for 10 minutes after the session's end.",
      tag: "sessions",
      answers: { ...judged, ...ofSession, 200: { description: "The figures.", schema: sessionMetrics } },
    },
    handle: showMetrics,
  },
];

/** `GET /metrics`, left out where it has a port of its own. */
export const prometheusEndpoint: Endpoint = {
  method: "get",
  path: "/metrics",
  documentation: {
    operationId: "getPrometheusMetrics",
    summary: "Metrics of the server in Prometheus' text format",
    tag: "server",
    answers: { 200: { description: "The exposition.", contentType: "text/plain" } },
  },
  handle: ({ ctx, plane }) => expose(ctx, plane.supervisor),
};

async function expose(ctx: Koa.Context, { metrics }: Supervisor): Promise<void> {
  notesOf(ctx).quiet = true;
  ctx.set("Content-Type", metrics.contentType);
  ctx.body = await metrics.text();
}

/** An application that answers `GET /metrics` and nothing else, for `metricsPort`. */
export function createMetricsApp(supervisor: Supervisor): Koa {
  const app = new Koa();
  const answering = new Answering(supervisor, supervisor.log.child({ component: "metrics" }));
  app.use((ctx) =>
    answering.run(ctx, async () => {
      if (ctx.path !== "/metrics") throw new GreenroomError("NOT_FOUND");
      notesOf(ctx).route = "/metrics";
      if (ctx.method !== "GET" && ctx.method !== "HEAD") {
        ctx.set("Allow", "GET, HEAD");
        throw new GreenroomError("METHOD_NOT_ALLOWED");
      }
      await expose(ctx, supervisor);
    }),
  );
  app.on("error", (error: unknown) => supervisor.log.debug({ err: error }, "a connection broke"));
  return app;
}
