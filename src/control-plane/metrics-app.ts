import Koa from "koa";
import { supervisorOf } from "../agent-launcher.ts";
import type { AgentLauncher } from "../api/agent-launcher.ts";
import { GreenroomError } from "../shared/errors.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import type { Endpoint } from "./endpoint.ts";
import { commonAnswers } from "./http/common-answers.ts";
import { Answering, notesOf } from "./http/request-notes.ts";

/** The endpoint `GET /metrics`, left out where it has a port of its own. */
export const prometheusEndpoint: Endpoint = {
  method: "get",
  path: "/metrics",
  documentation: {
    operationId: "getPrometheusMetrics",
    summary: "Metrics of the server in Prometheus' text format",
    tag: "server",
    anonymous: true,
    answers: {
      200: { description: "The exposition.", contentType: "text/plain" },
      403: commonAnswers.judged[403],
    },
  },
  handle: ({ ctx, plane }) => expose(ctx, plane.supervisor),
};

async function expose(ctx: Koa.Context, { metrics }: Supervisor): Promise<void> {
  notesOf(ctx).quiet = true;
  ctx.set("Content-Type", metrics.contentType);
  ctx.body = await metrics.text();
}

/** Resolves with an application that answers `GET /metrics` and nothing else, for `metricsPort`. */
export async function createMetricsApp(launcher: AgentLauncher): Promise<Koa> {
  const supervisor = await supervisorOf(launcher);
  const log = supervisor.log.child({ component: "metrics" });
  const answering = new Answering(supervisor, log);
  const app = new Koa();
  app.use((ctx) =>
    answering.run(ctx, async () => {
      if (ctx.path !== "/metrics") throw new GreenroomError("NOT_FOUND");
      notesOf(ctx).route = "/metrics";
      if (ctx.method !== "GET" && ctx.method !== "HEAD") {
        ctx.set("Allow", "HEAD, GET");
        throw new GreenroomError("METHOD_NOT_ALLOWED");
      }
      await expose(ctx, supervisor);
    }),
  );
  app.on("error", (error: unknown) =>
    log.debug({ event: "connection_broken", err: error }, "A connection broke"),
  );
  return app;
}
