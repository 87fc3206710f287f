import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

/** The part of Fastify that is needed here: pass your own instance of it. */
interface Fastify {
  addHook(
    name: "onRequest",
    hook: (
      request: { readonly url: string; readonly raw: IncomingMessage },
      reply: { hijack(): unknown; readonly raw: ServerResponse },
      done: () => void,
    ) => void,
  ): unknown;
}

/** Serves the API below `/agents/`, before Fastify reads a body. */
export function serveAgents(fastify: Fastify, api: RequestListener): void {
  fastify.addHook("onRequest", (request, reply, done) => {
    if (!request.url.startsWith("/agents/")) return done();
    reply.hijack();
    request.raw.url = request.url.slice("/agents".length);
    api(request.raw, reply.raw);
  });
}
