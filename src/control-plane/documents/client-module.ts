import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Endpoint } from "../endpoint.ts";
import { notesOf } from "../http/request-notes.ts";

/** The entry of the module. Its extension is .ts in the clone, and .js in the package, where it is one file. */
const source = new URL(`../../client/index${extname(import.meta.url)}`, import.meta.url);

/**
 * The endpoint of the module `greenroom/client`, for pages that are not built: those of the server, and small ones of
 * users.
 */
export const clientEndpoints: readonly Endpoint[] = [
  {
    method: "get",
    path: "/client.js",
    documentation: null,
    async handle({ ctx }) {
      notesOf(ctx).quiet = true;
      ctx.type = "text/javascript; charset=utf-8";
      ctx.body = await clientModule();
    },
  },
  {
    method: "get",
    path: "/client-worklet.js",
    documentation: null,
    async handle({ ctx }) {
      notesOf(ctx).quiet = true;
      const { workletSource } = (await import(source.href)) as { workletSource(): string };
      ctx.type = "text/javascript; charset=utf-8";
      ctx.body = workletSource();
    },
  },
];

let made: Promise<string> | undefined;

/** Returns the module as one file. In a clone it is built in memory when it is first asked for. */
function clientModule(): Promise<string> {
  made ??= source.pathname.endsWith(".js") ? readFile(source, "utf8") : built();
  // A failed build is tried again at the next request.
  made.catch(() => {
    made = undefined;
  });
  return made;
}

/** The name of a development dependency, which the package does not have. */
const builder = "esbuild";

async function built(): Promise<string> {
  const { build } = (await import(builder)) as typeof import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(source)],
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}
