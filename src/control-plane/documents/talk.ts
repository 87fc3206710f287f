import { readFile } from "node:fs/promises";
import { GreenroomError } from "../../shared/errors.ts";
import { isLoopback } from "../access/origins.ts";
import type { Endpoint } from "../endpoint.ts";
import type { Exchange } from "../exchange.ts";
import { notesOf } from "../http/request-notes.ts";

/** The files beside the page, with their types. */
const files: Readonly<Record<string, string>> = {
  "talk.css": "text/css; charset=utf-8",
  "talk.js": "text/javascript; charset=utf-8",
};

/**
 * The content security policy of the page: everything comes from this server. Sound is played from a `MediaStream`,
 * which needs no source of its own.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src data:",
  "connect-src 'self'",
  "media-src 'self' mediastream: blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * The endpoints of the page on which a person talks to the agent, with a microphone or by typing. The option `talkPage`
 * says where it is served.
 */
export const talkEndpoints: readonly Endpoint[] = [
  {
    method: "get",
    path: "/talk",
    documentation: null,
    handle: (exchange) => send(exchange, "talk.html", "text/html; charset=utf-8"),
  },
  {
    method: "get",
    path: "/talk/{file}",
    documentation: null,
    async handle(exchange) {
      const { file = "" } = exchange.params;
      if (!Object.hasOwn(files, file)) throw new GreenroomError("NOT_FOUND");
      await send(exchange, file, files[file] ?? "");
    },
  },
];

/**
 * The endpoint of the start page, for people who open the server in a browser: the talk page where it is served, and
 * else the description of the API. An application that mounts the API keeps its own `/`.
 */
export const homeEndpoint: Endpoint = {
  method: "get",
  path: "/",
  documentation: null,
  handle(exchange) {
    notesOf(exchange.ctx).quiet = true;
    exchange.ctx.redirect(hasTalkPage(exchange) ? "/talk" : "/docs");
  },
};

/** Returns whether the page is served. */
function hasTalkPage({ plane }: Exchange): boolean {
  const { talkPage, host } = plane.options;
  return talkPage === "local" ? isLoopback(host) : talkPage === "always";
}

async function send(exchange: Exchange, file: string, type: string): Promise<void> {
  const { ctx } = exchange;
  notesOf(ctx).quiet = true;
  if (!hasTalkPage(exchange)) throw new GreenroomError("NOT_FOUND");
  ctx.set("Content-Security-Policy", policy);
  ctx.set("Referrer-Policy", "no-referrer");
  ctx.set("Permissions-Policy", "microphone=(self)");
  ctx.set("Cache-Control", "no-cache");
  ctx.type = type;
  ctx.body = await readFile(new URL(`./pages/talk/${file}`, import.meta.url));
}
