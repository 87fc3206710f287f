import Koa from "koa";
import { supervisorOf } from "../agent-launcher.ts";
import type { AgentLauncher } from "../api/agent-launcher.ts";
import { GreenroomError } from "../shared/errors.ts";
import { corsMiddleware } from "./access/cors.ts";
import { Origins } from "./access/origins.ts";
import { ControlPlane } from "./control-plane.ts";
import { consoleEndpoints } from "./documents/console.ts";
import { homeEndpoint, talkEndpoints } from "./documents/talk.ts";
import { notesOf } from "./http/request-notes.ts";
import { answerEntrusted } from "./peers/entrust.ts";
import { answerHandOver } from "./peers/hand-over.ts";
import { allEndpoints, EndpointRouter } from "./router.ts";
import type { FilledServeOptions } from "./serve-options.ts";

/** Resolves with a Koa application over the launcher. The caller starts and drains the launcher. */
export async function createApp(launcher: AgentLauncher, filled: FilledServeOptions): Promise<Koa> {
  const plane = new ControlPlane(await supervisorOf(launcher), filled);
  const pages = [homeEndpoint, ...talkEndpoints, ...consoleEndpoints];
  const router = new EndpointRouter(plane, [...allEndpoints(filled), ...pages]);
  const origins = new Origins(filled, plane.log);
  const cors = corsMiddleware(filled, origins);

  const app = new Koa({ proxy: filled.trustedProxyCount > 0, maxIpsCount: filled.trustedProxyCount });
  app.use((ctx, next) =>
    plane.answering.run(ctx, async () => {
      const hop = plane.peers.arrival(ctx);
      if (hop === "answered") return;
      if (hop?.kind === "entrusted") return answerEntrusted(ctx, plane.peers.registry);
      if (hop?.kind === "handed_over") return answerHandOver(ctx, plane.supervisor.arrivals);
      const match = router.match(ctx);
      if (match?.endpoint?.open) return router.run(ctx);
      // A process that stood still may have lost its sessions, so it must not answer before it knows.
      await plane.peers.registry.current();
      const run = async () => {
        if ((!match || match.endpoint === homeEndpoint) && (await answeredBy(ctx, next))) return;
        if (!match) throw new GreenroomError("NOT_FOUND");
        if (match.endpoint) await router.run(ctx);
        else router.refuseMethod(ctx, match.allow);
      };
      // The peer that passed the request on has checked the rules for browsers.
      if (hop) return run();
      await cors(ctx, async () => {
        origins.check(ctx);
        await run();
      });
    }),
  );
  app.on("error", (error: unknown) =>
    plane.log.debug({ event: "connection_broken", err: error }, "A connection broke"),
  );
  await filled.configureApp?.(app);
  return app;
}

/** Resolves with whether the routes that were added to the application have answered. */
async function answeredBy(ctx: Koa.Context, next: Koa.Next): Promise<boolean> {
  await next();
  const answered = ctx.status !== 404 || ctx.body !== undefined || ctx.headerSent || ctx.respond === false;
  if (answered) notesOf(ctx).route = "added";
  return answered;
}
