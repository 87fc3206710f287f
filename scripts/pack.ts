/**
 * Makes the package that is published: `npm run build [-- folder]`. Node runs the clone's TypeScript as it is, but refuses
 * to under node_modules, so the package is a folder of its own (default `dist`): compiled JavaScript, types, the parts
 * of pages, each provider's SDK as one file, and a manifest that says so; and the tarball of all that. With `--bare` neither
 * the papers nor the tarball, for the image.
 */
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { builtinModules, createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { swaggerFiles } from "../src/control-plane/pages/swagger-ui.ts";
import { checkImports, type Manifest, packedManifest, papers } from "./manifest.ts";
import { bundleSdks } from "./sdk-bundles.ts";

const root = resolve(import.meta.dirname, "..");
const words = process.argv.slice(2);
const bare = words.includes("--bare");
const folder = resolve(words.find((word) => !word.startsWith("--")) ?? join(root, "dist"));

rmSync(folder, { recursive: true, force: true });
run("npx", ["tsc", "--project", join(root, "tsconfig.build.json"), "--outDir", folder]);
const javascript = globSync("**/*.js", { cwd: folder }).map((path) => join(folder, path));
const types = globSync("**/*.d.ts", { cwd: folder }).map((path) => join(folder, path));
types.forEach(nameCompiledFiles);
javascript.forEach(refuseSourceNames);
copySwaggerUi();
await bundleSdks(root, folder);

const manifest: Manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const imports = { js: packagesIn(javascript), types: packagesIn(types) };
checkImports(manifest, imports.js);
writeFileSync(
  join(folder, "package.json"),
  `${JSON.stringify(packedManifest(manifest, imports), null, 2)}\n`,
);
if (!bare) pack();

function pack(): void {
  for (const name of ["README.md", "LICENSE", ...papers]) copy(join(root, name), join(folder, name));
  const [tarball] = JSON.parse(run("npm", ["pack", folder, "--pack-destination", folder, "--json"])) as [
    { filename: string; size: number; entryCount: number },
  ];
  console.log(
    `${join(folder, tarball.filename)}: ${tarball.entryCount} files, ${Math.round(tarball.size / 1_024)} KiB`,
  );
}

/** In types, the compiler leaves imports as they were written. */
function nameCompiledFiles(path: string): void {
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replaceAll(/(["'])(\.\.?\/[^"'\n]+)\.ts\1/g, "$1$2.js$1"));
}

/** The compiler rewrites imports, but not `new URL("./x.ts", import.meta.url)`. */
function refuseSourceNames(path: string): void {
  const found = /["'`]\.\.?\/[^"'`\n]*\.ts["'`]/.exec(stripComments(readFileSync(path, "utf8")));
  if (found) throw new Error(`${path} names a source file: ${found[0]}`);
}

function stripComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
}

/** The viewer of the API's description lies where its pages look first; it is no dependency, since it brings others. */
function copySwaggerUi(): void {
  const from = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  const to = join(folder, "src/control-plane/pages/swagger-ui");
  for (const name of [...Object.keys(swaggerFiles), "LICENSE", "NOTICE"])
    copy(join(from, name), join(to, name));
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { recursive: true });
}

/** Packages that these files import, Node's own aside. */
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

function run(command: string, args: readonly string[]): string {
  const { status, stdout, error } = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (error) throw error;
  if (status !== 0) {
    process.stderr.write(stdout);
    throw new Error(`${command} ${args[0]} failed`);
  }
  return stdout;
}
