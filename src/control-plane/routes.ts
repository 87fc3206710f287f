import type Koa from "koa";
import type { AgentLauncher } from "../api/agent-launcher.ts";
import type { ServeOptions } from "../api/serve-options.ts";

/** The API as a middleware of Koa. */
export interface Routes extends Koa.Middleware {
  /** Loads the API. Rejects with INVALID_OPTIONS. */
  ready(): Promise<void>;
}

const made = new WeakSet<object>();

/** Resolves when each API that is mounted directly in this application is loaded. Rejects with INVALID_OPTIONS. */
export async function routesReady({ middleware }: Koa): Promise<void> {
  for (const part of middleware) if (made.has(part)) await (part as Routes).ready();
}

/**
 * Returns the API as a middleware for a Koa application of your own: `app.use(routes(launcher, options))`. Unknown
 * paths go on to the next middleware. Where callers do not authenticate, the API answers only requests to an address,
 * to localhost or to one of `allowedHosts`, and pages of `corsAllowOrigins` or of the server itself. The application
 * sets the headers of CORS; `corsAllowMethods`, `corsAllowHeaders`, `corsAllowCredentials` and `port` have no effect
 * here. Start the launcher yourself, or pass the application to `Runner` as `app`.
 *
 * The server's modules are loaded at the first request, or by `ready`, which rejects with INVALID_OPTIONS. `Runner`
 * waits for it before it listens.
 */
export function routes(launcher: AgentLauncher, options: ServeOptions = {}): Routes {
  let loading: Promise<Koa.Middleware> | undefined;
  const load = () => {
    loading ??= import("./router-middleware.ts").then(({ createRoutes }) => createRoutes(launcher, options));
    return loading;
  };
  const middleware: Koa.Middleware = async (ctx, next) => (await load())(ctx, next);
  made.add(middleware);
  return Object.assign(middleware, {
    async ready() {
      await load();
    },
  });
}
