import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Endpoint } from "../endpoint.ts";
import { notesOf } from "../http/request-notes.ts";
import { bundleForBrowsers, madeOnce } from "./browser-bundle.ts";

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

const clientModule = madeOnce(async () => {
  if (source.pathname.endsWith(".js")) return readFile(source, "utf8");
  const { files } = await bundleForBrowsers({ client: fileURLToPath(source) });
  return files.get("client.js") ?? "";
});
