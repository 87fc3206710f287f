import { execFile } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import test from "ava";
import manifest from "../../package.json" with { type: "json" };
import { build, root } from "../fixtures/build.ts";
import { Child } from "../fixtures/runner/child.ts";

/** The folder of the package. It is below node_modules, where it finds its dependencies as if it were installed. */
const packed = mkdtempSync(join(root, "node_modules/.packed-"));

test.before("pack", () => build(packed));
test.after.always("clean up", () => rmSync(packed, { recursive: true, force: true }));

/** Returns the code that a module loads: its own, and that of the modules that it imports at once. */
function codeOf(path: string, seen = new Set<string>()): string {
  if (seen.has(path)) return "";
  seen.add(path);
  const code = readFileSync(path, "utf8");
  const imported = [...code.matchAll(/(?:^|;|\})\s*(?:import|export)\b[^;"]*"(\.[^"]+)"/gm)];
  return code + imported.map(([, name = ""]) => codeOf(join(path, "..", name), seen)).join("");
}

test("the command of the package answers in the terminal", async (t) => {
  const bin = join(packed, "src/runner/bin.js");
  const talk = new Child(t, [bin, "run"]);
  talk.end("What is the weather in Rome?\n");
  t.is((await talk.exit).code, 0, talk.stderr);
  t.regex(talk.stdout, /^agent: In Rome it is/m);
  const command = new Child(t, [bin, "--version"]);
  await command.exit;
  t.is(command.stdout.trim(), manifest.version);
});

test("its classes and functions have the names that they have in the source", async (t) => {
  const namesOf = (exports: object) =>
    Object.entries(exports).map(([key, value]) => [key, typeof value === "function" ? value.name : null]);
  const source: object = await import("greenroom");
  const built: object = await import(pathToFileURL(join(packed, "src/index.js")).href);
  t.deepEqual(namesOf(built), namesOf(source));
  t.true(namesOf(built).some(([, name]) => name === "GreenroomError"));
});

test("what its README links to is in the tarball", async (t) => {
  const [tarball = "no tarball"] = globSync("*.tgz", { cwd: packed });
  const { stdout } = await promisify(execFile)("tar", ["-tzf", join(packed, tarball)]);
  const readme = readFileSync(join(packed, "README.md"), "utf8");
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path]) => `package/${path}`);
  t.true(links.length >= 3);
  t.deepEqual(
    links.filter((path) => !stdout.split("\n").includes(path)),
    [],
  );
});

test("the package holds nothing that only development needs", (t) => {
  const packedManifest = JSON.parse(readFileSync(join(packed, "package.json"), "utf8"));
  for (const name of ["private", "scripts", "devDependencies", "ava", "allowScripts"]) {
    t.false(name in packedManifest, name);
  }
  t.deepEqual(packedManifest.engines, manifest.engines);
  // The SDKs are bundled: as packages they would weigh 70 MB more than what is used of them.
  const names = Object.keys(packedManifest.dependencies);
  const code = globSync("{lib,src,workers}/**/*.js", { cwd: packed })
    .filter((path) => !/sdk-(bundle|chunks)/.test(path))
    .map((path) => readFileSync(join(packed, path), "utf8"))
    .join("\n");
  const imported = (name: string) => new RegExp(`(from|import|resolve)[ (]*"${name}["/]`).test(code);
  t.deepEqual(
    names.filter((name) => !imported(name)),
    ["@types/node", "@types/koa", "@types/ws"],
  );
  const files = globSync("**/*", { cwd: packed });
  t.true(files.includes("LICENSE"));
  // What the main thread loads where a thread died: a file of its own, which brings no bundle along.
  const leaveData = codeOf(join(packed, "src/providers/stream/leave-module.js"));
  t.regex(leaveData, /import\("ws"\)/);
  t.notRegex(leaveData, /sdk-bundle/);
  t.deepEqual(
    files.filter((path) => /(?<!\.d)\.ts$|^(test|bench|scripts)\b/.test(path)),
    [],
  );
});
