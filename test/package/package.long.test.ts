import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import test, { type ExecutionContext } from "ava";
import * as testing from "greenroom/testing";
import manifest from "../../package.json" with { type: "json" };
import { none as deepgramNone, startDeepgram } from "../emulators/deepgram.ts";
import { startElevenlabs } from "../emulators/elevenlabs.ts";
import { geminiDelays, startGemini } from "../emulators/gemini.ts";
import { build } from "../fixtures/build.ts";
import { Child, temporaryFolder } from "../fixtures/runner/child.ts";
import { ask, heard, startSession } from "../fixtures/runner/rest.ts";

const execute = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const example = join(root, "examples/agent.ts");

/**
 * The folder of the package. It is outside the project, since the tests of the package must not find the project's own
 * modules.
 */
const packed = mkdtempSync(join(tmpdir(), "greenroom-packed-"));

test.before("pack", () => build(packed));

test.after.always("clean up", () => rmSync(packed, { recursive: true, force: true }));

/** Makes a folder with the packed library installed in it, and the agent's file of the README. */
async function install(t: ExecutionContext): Promise<string> {
  const [tarball = "no tarball"] = globSync("*.tgz", { cwd: packed });
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const what = [join(packed, tarball), `zod@${manifest.dependencies.zod}`];
  await execute("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", ...what], { cwd: folder });
  copyFileSync(example, join(folder, "agent.ts"));
  return folder;
}

test.serial("packed and installed in an empty folder, it runs the README's agent file", async (t) => {
  t.timeout(600_000);
  const folder = await install(t);

  const child = new Child(t, ["agent.ts", "serve", "--port", "0", "--drain-announce-ms", "0"], {
    cwd: folder,
  });
  const url = await child.readyUrl();
  const id = await startSession(url);
  const events = await fetch(`${url}/sessions/${id}/events`);
  const { status } = await ask(url, `/sessions/${id}/messages`, { text: "What is the weather in Paris?" });
  t.is(status, 202);
  await heard(events, /"text":"In Paris it is [^"]*built-in offline table/);
  t.is((await ask(url, "/docs/swagger-ui-bundle.js")).status, 200);
  t.is((await ask(url, `/sessions/${id}`, undefined, "DELETE")).status, 204);
  child.kill("SIGTERM");
  t.deepEqual(await child.exit, { code: 0, signal: null });
  t.is(child.stderr, "");

  const talk = new Child(t, ["agent.ts", "run"], { cwd: folder });
  talk.end("What is the weather in Rome?\n");
  t.is((await talk.exit).code, 0);
  t.regex(talk.stdout, /^agent: In Rome it is/m);

  const command = new Child(t, ["node_modules/.bin/greenroom", "--version"], { cwd: folder });
  t.is((await command.exit).code, 0);
  t.is(command.stdout.trim(), manifest.version);

  await refuseOldNodes(t, folder);
  await checkSound(t, folder);
  await checkTypes(t, folder);
});

/** Makes a folder below files that tools look for above the folder they work in. */
function hostile(t: ExecutionContext, type: string): string {
  const above = temporaryFolder(t);
  writeFileSync(
    join(above, "package.json"),
    JSON.stringify({ name: "above", version: "1.0.0", type, workspaces: ["*"], sideEffects: false }),
  );
  writeFileSync(join(above, ".npmrc"), "dry-run=true\n");
  const compilerOptions = { paths: { "*": ["./nothing/*"] }, useDefineForClassFields: false, target: "es5" };
  writeFileSync(join(above, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  // The first is a package that one of the SDKs takes where it is there, the second one that it needs.
  for (const name of ["encoding", "ws"]) {
    mkdirSync(join(above, "node_modules", name), { recursive: true });
    writeFileSync(join(above, "node_modules", name, "index.js"), `module.exports = "from above";`);
  }
  mkdirSync(join(above, "below"));
  return join(above, "below");
}

/** Returns every file of a folder: its name, its mode and its content. */
function contentsOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .toSorted()
    .map((name) => {
      const stats = statSync(join(folder, name));
      const hash = stats.isFile()
        ? createHash("sha256")
            .update(readFileSync(join(folder, name)))
            .digest("hex")
        : "folder";
      return `${name} ${(stats.mode & 0o777).toString(8)} ${hash}`;
    });
}

function sameFiles(t: ExecutionContext, folder: string): void {
  const [expected, found] = [contentsOf(packed), contentsOf(folder)].map((files) => new Set(files));
  t.deepEqual([...found!.symmetricDifference(expected!)], []);
}

for (const type of ["commonjs", "module"]) {
  test.serial(`the build is the same byte for byte below a package of type ${type}`, async (t) => {
    t.timeout(600_000);
    const folder = join(hostile(t, type), "dist");
    await build(folder, root, "umask 077; export npm_config_call=ava LANG=tr_TR.UTF-8 TZ=Asia/Kathmandu;");
    sameFiles(t, folder);
  });
}

test.serial("and in a checkout that lies below such things, whose packages are linked", async (t) => {
  t.timeout(600_000);
  const project = hostile(t, "commonjs");
  const parts = ["scripts", "README.md", "LICENSE", ...manifest.files];
  for (const name of [...parts, "package.json", "tsconfig.json", "tsconfig.build.json"]) {
    cpSync(join(root, name), join(project, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(project, "node_modules"));
  await build(join(project, "dist"), project);
  sameFiles(t, join(project, "dist"));
});

test.serial("it overwrites an earlier build, and nothing else", async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "thesis.txt"), "years of work");
  const error = await t.throwsAsync(build(folder), { message: /holds something else than an earlier build/ });
  t.is((error as Error & { code?: number }).code, 2);
  t.deepEqual(readdirSync(folder), ["thesis.txt"]);
});

/** Checks that a recording is heard and answered aloud by the built-in agent: by the stand-ins, then by the SDKs. */
async function checkSound(t: ExecutionContext, folder: string): Promise<void> {
  await testing.writeWav(join(folder, "in.wav"), testing.tone(400, 1_000));
  const greenroom = "node_modules/.bin/greenroom";
  const offline = new Child(t, [greenroom, "run", "--wav", "in.wav", "--speed", "20"], { cwd: folder });
  t.is((await offline.exit).code, 0);
  t.regex(offline.stdout, /^agent: Hello/m);

  await using deepgram = await startDeepgram({
    delays: deepgramNone,
    script: { phrases: ["Tell me a story."] },
  });
  await using gemini = await startGemini({ delays: geminiDelays.none });
  await using elevenlabs = await startElevenlabs({ script: { msPerCharacter: 10 } });
  const env = { ...deepgram.environment, ...gemini.environment, ...elevenlabs.environment };
  const args = [greenroom, "run", "--wav", "in.wav", "--out", "out.wav"];
  const online = new Child(t, args, { cwd: folder, env });
  t.is((await online.exit).code, 0);
  t.regex(online.stdout, /^caller: Tell me a story\.\nagent: Did you know\?/m);
  t.true((await testing.readWav(join(folder, "out.wav"))).samples.some((sample) => sample > 1_000));
}

/**
 * Resolves with the commands of old Nodes: this one, saying that it is older, and older ones that are installed here,
 * which cannot read newer syntax.
 */
async function oldNodes(): Promise<string[][]> {
  const claim =
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '24.7.0' } })";
  const nodes = [[process.execPath, "--import", `data:text/javascript,${claim}`]];
  for (const folder of new Set(process.env.PATH?.split(delimiter))) {
    const { stdout } = await execute(join(folder, "node"), ["--version"]).catch(() => ({ stdout: "" }));
    if (/^v(18|20|22)\./.test(stdout)) nodes.push([join(folder, "node")]);
  }
  return nodes;
}

/** The entry that runs in browsers, and needs the types of the DOM. */
const forBrowsers = "greenroom/client";

/** Checks that the command and each entry of the library for Node say one line to an old Node, and nothing else. */
async function refuseOldNodes(t: ExecutionContext, folder: string): Promise<void> {
  const { node } = manifest.engines;
  const line = `^greenroom needs Node\\.js ${node.replace(">=", "")} or later; this is v[^\n]+\n$`;
  const names = Object.keys(manifest.exports)
    .map((path) => path.replace(".", "greenroom"))
    .filter((name) => name !== forBrowsers);
  const modules = names.map((name, index) => {
    writeFileSync(
      join(folder, `imports${index}.mjs`),
      `import * as all from "${name}";\nconsole.log(all);\n`,
    );
    return `imports${index}.mjs`;
  });
  for (const [command = "", ...flags] of await oldNodes()) {
    for (const file of ["node_modules/.bin/greenroom", ...modules]) {
      const child = new Child(t, [...flags, file], { cwd: folder, command });
      t.is((await child.exit).code, 1, `${command} ${file}`);
      t.regex(child.stderr, new RegExp(line));
      t.is(child.stdout, "");
    }
  }
}

/**
 * The settings of users' projects without further types: how they find modules, and whether their programs are for
 * browsers too.
 */
const projects = [
  { module: "nodenext", target: "esnext", lib: ["esnext"] },
  { module: "nodenext", target: "es2022", lib: ["es2022", "dom", "dom.iterable"] },
  { module: "node16", target: "es2022", lib: ["es2022"] },
  { module: "esnext", moduleResolution: "bundler", target: "esnext", lib: ["esnext", "dom"] },
];

/**
 * Checks that a user's strict compiler accepts the README's file, and the types of every entry of the package, each
 * alone.
 */
async function checkTypes(t: ExecutionContext, folder: string): Promise<void> {
  const names = Object.keys(manifest.exports).map((path) => path.replace(".", "greenroom"));
  const files = names.map((name, index) => {
    writeFileSync(join(folder, `from${index}.ts`), `export * from "${name}";\n`);
    return `from${index}.ts`;
  });
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  for (const project of projects) {
    // The README's file disposes of what it joins, which is part of the newest library only.
    const hasDom = project.lib.includes("dom");
    const fitting = files.filter((_, index) => hasDom || names[index] !== forBrowsers);
    const all = project.target === "esnext" ? [...fitting, "agent.ts"] : fitting;
    const strict = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false };
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { ...strict, ...project }, files: all }),
    );
    const { stdout } = await execute(process.execPath, [compiler, "--project", folder]).catch(
      (error: { stdout: string }) => error,
    );
    t.is(stdout, "", JSON.stringify(project));
  }
}
