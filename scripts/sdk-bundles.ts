import { globSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join, posix, sep } from "node:path";
import { build, type Plugin } from "esbuild";
import { weriftParts } from "../src/media/werift-parts.ts";

/** The parts that each folder of `src` takes of the packages that it imports; `default` is all of a CommonJS module. */
const sdks: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "providers/gemini": { "@google/genai": ["GoogleGenAI"] },
  "providers/deepgram": { "@deepgram/sdk": ["DeepgramClient"], ws: ["WebSocket"] },
  "providers/elevenlabs": {
    "elevenlabs/api/resources/textToSpeech/client/Client.js": ["TextToSpeech"],
    "elevenlabs/core/fetcher/getFetchFn.js": ["default"],
  },
  "providers/mcp": {
    "@modelcontextprotocol/sdk/client/index.js": ["Client"],
    "@modelcontextprotocol/sdk/client/stdio.js": ["StdioClientTransport"],
    "@modelcontextprotocol/sdk/client/streamableHttp.js": ["StreamableHTTPClientTransport"],
    "@modelcontextprotocol/sdk/types.js": ["ResultSchema", "ToolListChangedNotificationSchema"],
  },
  media: {
    werift: weriftParts,
  },
  "providers/local": { "llama-tokenizer-js": ["default"] },
  "providers/stream": { ws: ["WebSocket"] },
  "providers/web-socket": { ws: ["WebSocket"] },
};

/**
 * The pattern of modules that the main thread loads. They must not load a provider's whole bundle: their packages are
 * dependencies.
 */
const alone = /(^|\/)leave-module\.js$/;

/** The pattern of Stream's SDK, which may not be redistributed: users install it from Stream, as a dependency. */
const proprietary = /node_modules\/@stream-io\//;

/** A module that an SDK imports, and what it gets instead. */
interface Substitute {
  /** The pattern of the path that is imported. */
  readonly path: RegExp;
  /** The pattern of the files that import it. */
  readonly from: RegExp;
  readonly contents: string;
}

/** The parts of SDKs that each thread would load and no session uses, or uses later: a third of the time in which a thread loads them. */
const substitutes: readonly Substitute[] = [
  {
    // Accounts of Google Cloud. Sessions have a key.
    path: /^google-auth-library$/,
    from: /@google\/genai\//,
    contents: `export class GoogleAuth {
      constructor() { throw new Error("Google Cloud's accounts are not supported: give a key"); }
    }`,
  },
  {
    // The types of all of ElevenLabs' requests, of which speech needs one error.
    path: /^\.\.\/\.\.\/\.\.\/index$/,
    from: /elevenlabs\/api\/resources\/textToSpeech\/client\/Client\.js$/,
    contents: 'export * from "elevenlabs/api/errors/index.js";',
  },
  // Node.js loads all that belongs to fetch where this class is first named, and Deepgram's sound needs no fetch.
  {
    // The headers of two responses that never came, of which there are none.
    path: /\/Headers\.mjs$/,
    from: /@deepgram\/sdk\/.*\/RawResponse\.mjs$/,
    contents: "export const Headers = Map;",
  },
  {
    path: /\/Headers\.mjs$/,
    from: /@deepgram\/sdk\//,
    contents: `export const Headers = new Proxy(Object, {
      construct: (_, given) => new globalThis.Headers(...given),
      get: (_, name) => globalThis.Headers[name],
    });`,
  },
];

/** The first lines of a bundle, by which CommonJS modules find Node's own. */
const banner =
  'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);';
/** The native helpers of ws, which it does not need. */
const optional = ["bufferutil", "utf-8-validate"];

/**
 * Bundles the SDK of each provider into one file, `sdk-bundle.js` beside it, without its unused parts, and has the
 * provider import that. Every session's thread loads the SDKs: unbundled, the first three cost a thread 40 MiB and 180
 * ms; bundled, 22 MiB and 60 ms (Node 24; the thread itself 12 MiB and 25 ms). Names stay as they are, so that stack
 * traces can be read, and errors are recognised by their names.
 */
export async function bundleSdks(root: string, folder: string): Promise<void> {
  const source = join(folder, "src");
  // This is the real folder of node_modules: names of shared files are made of paths relative to it.
  const home = dirname(realpathSync(join(root, "node_modules")));
  for (const [part, packages] of Object.entries(sdks)) {
    importBundle(join(source, part), Object.keys(packages));
  }
  const { metafile } = await build({
    entryPoints: Object.keys(sdks).map((part) => ({
      in: `${entryScheme}:${part}`,
      out: `${part}/sdk-bundle`,
    })),
    plugins: [closedWorld(home)],
    absWorkingDir: home,
    // Without this the nearest tsconfig above any file would count.
    tsconfigRaw: {},
    outdir: source,
    chunkNames: "providers/sdk-chunks/[name]-[hash]",
    bundle: true,
    // Code that two bundles share is in one file, and modules that are loaded on demand stay so.
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    banner: { js: banner },
    external: optional,
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    metafile: true,
    logLevel: "error",
  });
  const inputs = Object.keys(metafile.inputs).filter((path) => !/^(?:sdk|substitute):/.test(path));
  const foreign = inputs.find((path) => proprietary.test(path));
  if (foreign !== undefined) throw new Error(`${foreign} must not be bundled`);
  const about = "The SDKs of the providers are made of these packages.";
  writeFileSync(join(source, "providers/sdk-licenses.txt"), licenses(about, home, inputs));
}

const entryScheme = "sdk";
const substituteScheme = "substitute";

/**
 * Returns a plugin that makes the bundle of the packages in `home`/node_modules and of nothing else, so that it is the
 * same wherever the output folder is and whatever lies above either of them. The entry files exist in memory only, and
 * are named `.mjs`: a file would be judged by the nearest package.json above it, which decides what the default import
 * of a CommonJS module is.
 */
function closedWorld(home: string): Plugin {
  const packages = join(home, "node_modules") + sep;
  return {
    name: "closed-world",
    setup({ onResolve, onLoad, onEnd, resolve }) {
      onResolve({ filter: new RegExp(`^${entryScheme}:`) }, ({ path }) => ({
        path: `${path.slice(entryScheme.length + 1)}.mjs`,
        namespace: entryScheme,
      }));
      onLoad({ filter: /.*/, namespace: entryScheme }, ({ path }) => ({
        contents: entryOf(path.replace(/\.mjs$/, "")),
        resolveDir: home,
      }));
      for (const [index, { path: imported, from }] of substitutes.entries()) {
        onResolve({ filter: imported }, ({ path, importer }) =>
          from.test(importer) ? { path: `${index}:${path}`, namespace: substituteScheme } : undefined,
        );
      }
      const used = new Set<number>();
      onLoad({ filter: /.*/, namespace: substituteScheme }, ({ path }) => {
        const index = Number.parseInt(path, 10);
        used.add(index);
        return { contents: substitutes[index]!.contents, resolveDir: home };
      });
      onEnd(({ errors }) => {
        const unused = substitutes.find((_, index) => !used.has(index));
        if (errors.length === 0 && unused !== undefined) throw new Error(`Nothing imports ${unused.path}`);
      });
      // Optional packages of the SDKs that are not installed here may be found in a node_modules above.
      onResolve({ filter: /^[^./]/ }, async ({ path, pluginData, ...options }) => {
        if (pluginData === resolving || options.kind === "entry-point") return undefined;
        const found = await resolve(path, { ...options, pluginData: resolving });
        const outside = found.namespace === "file" && !found.external && !found.path.startsWith(packages);
        return outside ? { path, external: true } : undefined;
      });
    },
  };
}

const resolving = Symbol("resolving");

function entryOf(part: string): string {
  return Object.entries(sdks[part] ?? {})
    .map(([name, exports]) => `export { ${exports.join(", ")} } from ${JSON.stringify(name)};\n`)
    .join("");
}

/** Has the folder import the bundle where it imported the packages. Throws where it imports none of them. */
function importBundle(folder: string, packages: readonly string[]): void {
  const files = globSync("**/*.js", { cwd: folder })
    .map((file) => file.replaceAll(sep, "/"))
    .filter((file) => !alone.test(file));
  for (const name of packages) {
    const importing = files.filter((file) => {
      const path = join(folder, file);
      const text = readFileSync(path, "utf8");
      const bundle = `./${posix.relative(posix.dirname(file), "sdk-bundle.js")}`;
      const changed = text.replaceAll(`import(${JSON.stringify(name)})`, `import(${JSON.stringify(bundle)})`);
      if (changed !== text) writeFileSync(path, changed);
      return changed !== text;
    });
    if (importing.length === 0) throw new Error(`Nothing in ${folder} imports ${name}`);
  }
}

/**
 * Returns the licences of the packages that these files belong to, which must be distributed with them. The paths are
 * relative to `root`.
 */
export function licenses(about: string, root: string, inputs: readonly string[]): string {
  const packages = new Set(
    inputs.flatMap((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
  );
  const texts = [...packages].toSorted().map((path) => {
    const place = join(root, path);
    const manifest = JSON.parse(readFileSync(join(place, "package.json"), "utf8")) as {
      readonly name: string;
      readonly version: string;
      readonly license?: string;
    };
    const [file] = globSync("{LICEN[CS]E,licen[cs]e,COPYING}*", { cwd: place });
    const text = file === undefined ? "" : readFileSync(join(place, file), "utf8").trim();
    return `${manifest.name} ${manifest.version} (${manifest.license ?? "see below"})\n\n${text}`.trim();
  });
  const rule = `\n\n${"-".repeat(100)}\n\n`;
  return `${about}${rule}${texts.join(rule)}\n`;
}
