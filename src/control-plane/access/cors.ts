import cors from "@koa/cors";
import type Koa from "koa";
import type { FilledServeOptions } from "../serve-options.ts";
import type { Origins } from "./origins.ts";

/** The methods that the API has: what `*` stands for, which browsers do not take together with credentials. */
const allMethods = "GET, HEAD, POST, DELETE, OPTIONS";

/** The time that a browser may remember what it was allowed, in seconds. */
const preflightMaxAge = 600;

/** @koa/cors, with what it would let through decided by us: its own default echoes any origin together with credentials. */
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
    // Errors are answered further in; marking them would fail on those that are not objects.
    keepHeadersOnError: false,
  });
}
