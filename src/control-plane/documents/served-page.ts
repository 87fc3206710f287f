import { readFile } from "node:fs/promises";
import { GreenroomError } from "../../shared/errors.ts";
import { isLoopback } from "../access/origins.ts";
import type { Endpoint } from "../endpoint.ts";
import type { Exchange } from "../exchange.ts";
import { notesOf } from "../http/request-notes.ts";

/** A page for people that comes with the server. */
export interface ServedPage {
  readonly path: string;
  /** The option that says where it is served. */
  readonly option: "talkPage" | "consolePage";
  /** The directives of its policy besides those for scripts, styles and requests, which are of this server alone. */
  readonly policy: readonly string[];
  readonly microphone: boolean;
  /** The address of the page itself. */
  readonly html: URL;
  /** The files beside it, by name, as they are read or made. */
  readonly files: Readonly<Record<string, () => Promise<string | Uint8Array>>>;
}

const types: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  html: "text/html; charset=utf-8",
};

/** Returns the endpoints of a page: the page, and the files beside it. */
export function pageEndpoints(page: ServedPage): readonly Endpoint[] {
  return [
    {
      method: "get",
      path: page.path,
      documentation: null,
      handle: (exchange) => send(exchange, page, "html", () => readFile(page.html)),
    },
    {
      method: "get",
      path: `${page.path}/{file}`,
      documentation: null,
      async handle(exchange) {
        const { file = "" } = exchange.params;
        const read = Object.hasOwn(page.files, file) ? page.files[file] : undefined;
        if (!read) throw new GreenroomError("NOT_FOUND");
        await send(exchange, page, file.split(".").at(-1) ?? "", read);
      },
    },
  ];
}

/** Returns whether a page is served, as its option says. */
export function isServed({ option }: ServedPage, { plane }: Exchange): boolean {
  const { [option]: where, host } = plane.options;
  return where === "local" ? isLoopback(host) : where === "always";
}

async function send(
  exchange: Exchange,
  page: ServedPage,
  type: string,
  read: () => Promise<string | Uint8Array>,
): Promise<void> {
  const { ctx } = exchange;
  notesOf(ctx).quiet = true;
  if (!isServed(page, exchange)) throw new GreenroomError("NOT_FOUND");
  const body = await read();
  ctx.set("Content-Security-Policy", policyOf(page));
  ctx.set("Referrer-Policy", "no-referrer");
  ctx.set("Permissions-Policy", `microphone=(${page.microphone ? "self" : ""})`);
  ctx.set("Cache-Control", "no-cache");
  ctx.type = types[type] ?? "application/octet-stream";
  ctx.body = typeof body === "string" ? body : Buffer.from(body);
}

/** Returns the content security policy: everything comes from this server. */
function policyOf({ policy }: ServedPage): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src data:",
    "connect-src 'self'",
    ...policy,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}
