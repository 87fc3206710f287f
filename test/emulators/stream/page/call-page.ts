import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

export interface PagePart {
  readonly type: string;
  readonly body: string;
}

let script: Promise<string> | undefined;

/** Resolves with the part of the page that a path names; null where it names none. */
export async function callPage(path: string): Promise<PagePart | null> {
  if (/^\/join\/[^/]+$/.test(path)) {
    const body = await readFile(join(import.meta.dirname, "page.html"), "utf8");
    return { type: "text/html; charset=utf-8", body };
  }
  if (path !== "/page.js") return null;
  script ??= bundle();
  return { type: "text/javascript; charset=utf-8", body: await script };
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "page.js")],
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
    logLevel: "error",
  });
  return outputFiles[0]?.text ?? "";
}
