import type Koa from "koa";
import { supervisorOf } from "../agent-launcher.ts";
import type { AgentLauncher } from "../api/agent-launcher.ts";
import type { ServeOptions } from "../api/serve-options.ts";
import { namesText, Origins } from "./access/origins.ts";
import { ControlPlane } from "./control-plane.ts";
import { EndpointRouter } from "./router.ts";
import { fillServeOptions } from "./serve-options.ts";

/**
 * Resolves with the endpoints for another application. They bring their own error answers, body parsing, request ids,
 * and checks of Host and Origin, and leave everything else, such as CORS, to the application.
 */
export async function createRoutes(launcher: AgentLauncher, options: ServeOptions): Promise<Koa.Middleware> {
  const filled = fillServeOptions(options);
  const plane = new ControlPlane(await supervisorOf(launcher), filled);
  const origins = new Origins(filled, plane.log);
  const notice = namesText(filled);
  if (notice) plane.log.info({ event: "host_names_limited" }, notice);
  const router = new EndpointRouter(plane);
  return async (ctx, next) => {
    const match = router.match(ctx);
    if (match?.endpoint) {
      return plane.answering.run(ctx, async () => {
        const hop = plane.peers.arrival(ctx);
        if (hop === "answered") return;
        // The peer that passed the request on has checked the rules for browsers.
        if (!hop && !match.endpoint.open) origins.check(ctx);
        await router.run(ctx);
      });
    }
    await next();
    if (!match || ctx.status !== 404 || ctx.body !== undefined || ctx.headerSent) return;
    await plane.answering.run(ctx, async () => router.refuseMethod(ctx, match.allow));
  };
}
