import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";

/** The folder of the bundled modules. It is flat, so that each of them is as deep as the others. */
export const home = "lib";

/** The module that entries import first. It stays the first one, since others may not even run in a Node.js that it refuses. */
const check = "src/process/node-version.js";

/** Files of other bundles, which stay as they are. */
const foreign = /(^|\/)sdk-(bundle|chunks)/;

/**
 * Bundles the package's own modules into few files, and leaves in the place of each entry one line that leads there. A thread that starts
 * spent half of its time finding and linking some three hundred modules. Code that several entries share is in one file, so that the main
 * thread and a session's thread each load what they need, and an agent's import of the package finds the modules of its thread.
 * @param modules The paths of all of them. They are removed.
 * @param entries Those that are loaded by name: of the manifest, and of threads.
 */
export async function bundleOwnModules(
  folder: string,
  modules: readonly string[],
  entries: readonly string[],
): Promise<void> {
  const { metafile } = await build({
    entryPoints: [check, ...entries].map((path) => ({ in: path, out: nameOf(path) })),
    plugins: [inPlace(folder)],
    absWorkingDir: folder,
    // Without this the nearest tsconfig above any file would count.
    tsconfigRaw: {},
    outdir: home,
    chunkNames: "[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    packages: "external",
    // Names of classes stand in logs and stack traces, and would get an underline else.
    keepNames: true,
    // A module asks where it is in order to find others: that is still answered by the place of its source.
    define: { "import.meta.url": "ownUrl", "import.meta.dirname": "ownFolder" },
    metafile: true,
    logLevel: "error",
  });
  for (const path of modules) rmSync(join(folder, path));
  for (const path of entries) {
    const file = join(folder, path);
    const [shebang = ""] = /^#!.*\n/.exec(readFileSync(join(folder, bundleOf(path)), "utf8")) ?? [];
    const isChecked = metafile.inputs[path]?.imports.some((one) => one.path === check) === true;
    writeFileSync(
      file,
      shebang + (isChecked ? leadTo(path, check, []) : "") + leadTo(path, path, exportsOf(metafile, path)),
    );
  }
}

const nameOf = (path: string): string => path.replace(/\.js$/, "").replaceAll("/", ".");
const bundleOf = (path: string): string => `${home}/${nameOf(path)}.js`;

function exportsOf({ outputs }: Metafile, path: string): readonly string[] {
  return outputs[bundleOf(path)]?.exports ?? [];
}

/** Returns the line by which an entry loads the bundle of a module, and exports what that exports. */
function leadTo(entry: string, path: string, names: readonly string[]): string {
  const bundle = JSON.stringify(posix.relative(posix.dirname(entry), bundleOf(path)));
  if (names.length === 0) return `import ${bundle};\n`;
  return `export { ${names.join(", ")} } from ${bundle};\n`;
}

/** Has modules keep what they know of their places, and leaves imports of other bundles as they are. */
function inPlace(folder: string): Plugin {
  return {
    name: "in-place",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: foreign }, ({ path, resolveDir }) => ({
        path: posix.relative(join(folder, home), join(resolveDir, path)),
        external: true,
      }));
      onLoad({ filter: /\.js$/ }, ({ path }) => {
        const text = readFileSync(path, "utf8");
        if (!/import\.meta\.(?:url|dirname)/.test(text)) return { contents: text };
        const own = posix.relative(folder, path);
        return { contents: text.replace(/^(#!.*\n)?/, `$1${placeOf(own)}`) };
      });
    },
  };
}

/** Returns the line by which a module in the folder of bundles knows where its source was. */
function placeOf(path: string): string {
  return [
    'import { dirname as ownDirname, join as ownJoin } from "node:path";',
    'import { pathToFileURL as ownToUrl } from "node:url";',
    `const ownPath = ownJoin(import.meta.filename, "../..", ${JSON.stringify(path)});`,
    "const ownFolder = ownDirname(ownPath), ownUrl = ownToUrl(ownPath).href;\n",
  ].join(" ");
}

/** Returns the modules of a compiled package that are loaded by their paths, besides those of its manifest. */
export function entriesByPath(folder: string): string[] {
  return globSync(["workers/*.js", "src/providers/*/leave-module.js"], { cwd: folder }).toSorted();
}
