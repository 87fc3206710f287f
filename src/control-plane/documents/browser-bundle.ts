import { fileURLToPath } from "node:url";
import type { BuildOptions } from "esbuild";

const root = fileURLToPath(new URL("../../..", import.meta.url));
/** The name of a development dependency, which no package has. */
const builder = "esbuild";

/** The files that browsers get, made of sources. */
export interface BrowserBundle {
  /** The text of each file, by its name. */
  readonly files: ReadonlyMap<string, string>;
  /** The paths of all files that are in it, from the root of the project. */
  readonly inputs: readonly string[];
}

/**
 * Makes files for browsers of these sources, each with all that it imports. `npm run build` does so for the package; in a
 * clone the server does when a file is first asked for.
 */
export async function bundleForBrowsers(
  entryPoints: Readonly<Record<string, string>>,
  { minify = false }: { readonly minify?: boolean } = {},
): Promise<BrowserBundle> {
  const { build } = (await import(builder)) as typeof import("esbuild");
  const options = {
    entryPoints: { ...entryPoints },
    absWorkingDir: root,
    outdir: "/",
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    // Otherwise the nearest one above each file would count.
    tsconfigRaw: {},
    legalComments: "none",
    minify,
    metafile: true,
    write: false,
    logLevel: "silent",
  } as const satisfies BuildOptions;
  const { outputFiles, metafile } = await build(options);
  return {
    files: new Map(outputFiles.map(({ path, text }) => [path.replace(/^.*[/\\]/, ""), text])),
    inputs: Object.keys(metafile.inputs),
  };
}

/** Calls `make` once for all who ask. A failure is not kept. */
export function madeOnce<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    made.catch(() => {
      made = undefined;
    });
    return made;
  };
}
