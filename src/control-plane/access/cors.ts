import cors from "@koa/cors";
import type Koa from "koa";
import type { FilledServeOptions } from "../serve-options.ts";
import type { Origins } from "./origins.ts";

/** The methods of the API. They replace `*`, which browsers do not accept together with credentials. */
const allMethods = "GET, HEAD, POST, PATCH, DELETE, OPTIONS";

/** The time for which a browser may keep the answer to a preflight, in seconds. */
const preflightMaxAge = 600;

/**
 * Returns the middleware of @koa/cors with Greenroom's own decision about origins: its default echoes any origin
 * together with credentials.
 */
export function corsMiddleware(options: FilledServeOptions, origins: Origins): Koa.Middleware {
  const { corsAllowMethods: methods, corsAllowHeaders: headers, corsAllowCredentials: credentials } = options;
  return cors({
    origin: (ctx) => origins.allowOrigin(ctx),
    allowMethods: methods.includes("*") ? allMethods : methods.join(", "),
    // Without a list, it answers with the headers that were asked for: a literal * does not cover Authorization.
    ...(headers.includes("*") ? {} : { allowHeaders: headers.join(", ") }),
    exposeHeaders: "X-Request-Id, Retry-After, Idempotency-Replayed, Greenroom-Incomplete",
    credentials,
    maxAge: preflightMaxAge,
    // Errors are answered further in. Adding headers to them would fail for errors that are not objects.
    keepHeadersOnError: false,
  });
}
