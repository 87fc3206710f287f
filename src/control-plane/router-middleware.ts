import type Koa from "koa";
import type { AgentLauncher } from "../agent-launcher.ts";
import { ControlPlane } from "./control-plane.ts";
import { EndpointRouter } from "./router.ts";
import { fillServeOptions, type ServeOptions } from "./serve-options.ts";

/**
 * The endpoints for a foreign application: they bring their own error answers, body parsing and request ids, and leave
 * everything else, CORS above all, to it.
 */
export async function createRoutes(launcher: AgentLauncher, options: ServeOptions): Promise<Koa.Middleware> {
  const plane = new ControlPlane(await launcher.supervisor(), fillServeOptions(options));
  const router = new EndpointRouter(plane);
  return async (ctx, next) => {
    const match = router.match(ctx);
    if (match?.endpoint) {
      return plane.answering.run(ctx, () => {
        plane.peers.arrival(ctx);
        return router.run(ctx);
      });
    }
    await next();
    if (!match || ctx.status !== 404 || ctx.body !== undefined || ctx.headerSent) return;
    await plane.answering.run(ctx, async () => router.refuseMethod(ctx, match.allow));
  };
}
