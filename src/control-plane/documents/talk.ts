import { readFile } from "node:fs/promises";
import type { Endpoint } from "../endpoint.ts";
import { notesOf } from "../http/request-notes.ts";
import { isServed, pageEndpoints, type ServedPage } from "./served-page.ts";

const folder = new URL("./pages/talk/", import.meta.url);

/** The page on which a person talks to the agent, with a microphone or by typing. */
const talkPage: ServedPage = {
  path: "/talk",
  option: "talkPage",
  // Sound is played from a `MediaStream`, which needs no source of its own.
  policy: ["worker-src 'self'", "media-src 'self' mediastream: blob:"],
  microphone: true,
  html: new URL("talk.html", folder),
  files: {
    "talk.css": () => readFile(new URL("talk.css", folder)),
    "talk.js": () => readFile(new URL("talk.js", folder)),
  },
};

export const talkEndpoints: readonly Endpoint[] = pageEndpoints(talkPage);

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
    exchange.ctx.redirect(isServed(talkPage, exchange) ? "/talk" : "/docs");
  },
};
