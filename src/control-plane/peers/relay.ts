import type { IncomingMessage } from "node:http";
import type Koa from "koa";
import { swallowBody } from "../http/body.ts";
import { byName, endToEnd } from "./connection/end-to-end-headers.ts";
import { epochHeader } from "./connection/mark.ts";

/** Stops reading the body. The rest of it is not waited for. */
export function letGoOfBody(ctx: Koa.Context): void {
  if (ctx.req.complete) return;
  ctx.req.unpipe();
  swallowBody(ctx);
}

/** The ways in which an answer that a peer gave can end on its way to the client. */
export type RelayEnd = "whole" | "left" | "lost" | "stopped";

/**
 * Passes a peer's answer on to the client as it comes, no faster than the client reads. Where the peer's connection
 * breaks the client's connection is broken too: an incomplete answer must not look complete, and an EventSource
 * connects again.
 */
export async function relay(
  ctx: Koa.Context,
  answer: IncomingMessage,
  stopped: AbortSignal,
): Promise<RelayEnd> {
  const { res } = ctx;
  const over = Promise.withResolvers<RelayEnd>();
  res.on("close", () => over.resolve(res.writableFinished ? "whole" : "left"));
  res.on("error", () => over.resolve("left"));
  answer.on("error", () => over.resolve("lost"));
  if (res.destroyed) over.resolve("left");

  ctx.status = answer.statusCode ?? 502;
  ctx.respond = false;
  for (const [name, value] of byName(endToEnd(answer.rawHeaders, ["date", epochHeader])))
    res.setHeader(name, value);
  letGoOfBody(ctx);

  const isStream = answer.headers["content-type"]?.startsWith("text/event-stream") ?? false;
  const stop = () => over.resolve("stopped");
  if (isStream) stopped.addEventListener("abort", stop, { once: true });
  try {
    if (isStream && stopped.aborted) stop();
    res.flushHeaders();
    answer.pipe(res);
    const end = await over.promise;
    if (end !== "whole") res.destroy();
    return end;
  } finally {
    stopped.removeEventListener("abort", stop);
    answer.destroy();
  }
}
