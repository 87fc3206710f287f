import { execFile } from "node:child_process";
import { copyFileSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import test, { type ExecutionContext } from "ava";
import manifest from "../package.json" with { type: "json" };
import { Child, temporaryFolder } from "./runner-fixtures/child.ts";
import { ask, heard, startSession } from "./runner-fixtures/rest.ts";

const execute = promisify(execFile);
const root = join(import.meta.dirname, "..");
const example = join(root, "examples/agent.ts");

/** Outside the project: the tests of the package must not find the project's own modules. */
const packed = mkdtempSync(join(tmpdir(), "greenroom-packed-"));

test.before("pack", async () => {
  await execute(process.execPath, [join(root, "scripts/pack.ts"), packed], { cwd: root });
});

test.after.always("clean up", () => rmSync(packed, { recursive: true, force: true }));

/** An empty folder, the packed library installed in it, and the agent's file of the README. */
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
  t.timeout(180_000);
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
  await checkTypes(t, folder);
});

/** This Node, saying that it is older; and older ones that are installed here, which cannot read newer syntax. */
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

/** The command and the library say one line, and nothing else. */
async function refuseOldNodes(t: ExecutionContext, folder: string): Promise<void> {
  const { node } = manifest.engines;
  const line = `^greenroom needs Node\\.js ${node.replace(">=", "")} or later; this is v[^\n]+\n$`;
  writeFileSync(join(folder, "imports.js"), 'import { Runner } from "greenroom";\nconsole.log(Runner);\n');
  for (const [command = "", ...flags] of await oldNodes()) {
    for (const file of ["node_modules/.bin/greenroom", "imports.js"]) {
      const child = new Child(t, [...flags, file], { cwd: folder, command });
      t.is((await child.exit).code, 1, `${command} ${file}`);
      t.regex(child.stderr, new RegExp(line));
      t.is(child.stdout, "");
    }
  }
}

/** A user's strict compiler accepts the file, and the types that it comes from. */
async function checkTypes(t: ExecutionContext, folder: string): Promise<void> {
  const compilerOptions = {
    module: "nodenext",
    target: "esnext",
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: false,
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["agent.ts"] }));
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const { stdout } = await execute(process.execPath, [compiler, "--project", folder]).catch(
    (error: { stdout: string }) => error,
  );
  t.is(stdout, "");
}

test("README prints that very file", (t) => {
  t.true(readFileSync(join(root, "README.md"), "utf8").includes(readFileSync(example, "utf8")));
});

test("the package holds nothing that only development needs", (t) => {
  const packedManifest = JSON.parse(readFileSync(join(packed, "package.json"), "utf8"));
  for (const name of ["private", "scripts", "devDependencies", "ava", "allowScripts"]) {
    t.false(name in packedManifest, name);
  }
  t.deepEqual(packedManifest.engines, manifest.engines);
  const files = globSync("**/*", { cwd: packed });
  t.true(files.includes("LICENSE"));
  t.deepEqual(
    files.filter((path) => /(?<!\.d)\.ts$|^(test|bench|scripts|docs)\b/.test(path)),
    [],
  );
});
