import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import test, { type ExecutionContext } from "ava";
import { announceMsOf } from "../../src/runner/commands/serve-command.ts";
import { bin, Child, temporaryFolder } from "../fixtures/runner/child.ts";

const source = join(import.meta.dirname, "../../src");
const greenroom = pathToFileURL(join(source, "index.ts")).href;
const stopped = /^Greenroom has stopped after SIGTERM: it had not begun to listen/;

/** A program of a user's, with `greenroom` at hand. */
function written(t: ExecutionContext, text: string): string {
  const file = join(temporaryFolder(t), "agent.ts");
  writeFileSync(file, text);
  return file;
}

test("the handler is installed by the first module that the command loads, which needs nothing but Node", (t) => {
  for (const file of ["runner/bin.ts", "index.ts"]) {
    const [first] = readFileSync(join(source, file), "utf8").match(/^(import|export) .*$/m) ?? [];
    t.regex(first ?? "", /^import "\.{1,2}\/process\/early-signals\.ts";$/, file);
  }
  const imports = readFileSync(join(source, "process/early-signals.ts"), "utf8").match(/^import .*$/gm);
  t.deepEqual(imports, [`import { isMainThread } from "node:worker_threads";`]);
});

test.serial("a signal that comes as soon as there is a handler ends the command in order", async (t) => {
  const preload = written(
    t,
    `let sent = false;
    process.on("newListener", (name) => {
      if (name !== "SIGTERM" || sent || process.argv[2] !== "serve") return;
      sent = true;
      queueMicrotask(() => process.kill(process.pid, "SIGTERM"));
    });`,
  );
  const child = new Child(t, ["--import", pathToFileURL(preload).href, bin, "serve", "--port", "0"]);
  t.deepEqual(await child.exit, { code: 0, signal: null });
  t.truthy(child.log.find(({ msg }) => stopped.test(msg)));
  t.false(child.log.some(({ msg }) => msg.startsWith("Listening")));
});

test.serial("the same in a user's program, from the import of greenroom on", async (t) => {
  const file = written(
    t,
    `import { AgentLauncher, Runner } from "${greenroom}";
    process.kill(process.pid, "SIGTERM");
    await new Promise((resolve) => setImmediate(resolve));
    await new Runner(new AgentLauncher({ agent: import.meta.url })).cli();`,
  );
  const child = new Child(t, [file, "serve", "--port", "0"]);
  t.deepEqual(await child.exit, { code: 0, signal: null });
  t.truthy(child.log.find(({ msg }) => stopped.test(msg)));
});

test.serial("a program that is not the runner's ends at the second signal at the latest", async (t) => {
  const file = written(t, `import "${greenroom}"; setInterval(() => {}, 1_000); console.log("up");`);
  const child = new Child(t, [file, "serve"]);
  await child.printed(/up/);
  child.kill("SIGTERM");
  child.kill("SIGINT");
  // Two at once come in the order of their numbers.
  t.true([130, 143].includes((await child.exit).code ?? 0));
});

test.serial("a signal is not lost that comes while the loop is blocked and the patience ends", async (t) => {
  const file = written(
    t,
    `const { setTimeout: original } = globalThis;
    // The patience is a tenth of a second, as if the modules had taken so long.
    globalThis.setTimeout = (callback, ms, ...args) => original(callback, ms === 15_000 ? 100 : ms, ...args);
    await import("${greenroom}");
    globalThis.setTimeout = original;
    process.kill(process.pid, "SIGTERM");
    const until = performance.now() + 300;
    while (performance.now() < until);
    setInterval(() => {}, 1_000);`,
  );
  const child = new Child(t, [file, "serve"]);
  t.deepEqual(await child.exit, { code: 143, signal: null });
});

test.serial("one that is not asked to serve keeps the signals as Node has them", async (t) => {
  const file = written(t, `import "${greenroom}"; setInterval(() => {}, 1_000); console.log("up");`);
  const child = new Child(t, [file]);
  await child.printed(/up/);
  child.kill("SIGTERM");
  t.deepEqual(await child.exit, { code: null, signal: "SIGTERM" });
});

test("on loopback and without a call a shutdown is not announced, unless that was asked for", (t) => {
  const idle = { listSessions: () => [] };
  const busy = { listSessions: () => [{}] as never };
  t.is(announceMsOf({}, idle), 0);
  for (const host of ["127.0.0.1", "localhost", "::1", "127.1.2.3"]) t.is(announceMsOf({ host }, idle), 0);
  for (const host of ["0.0.0.0", "::", "10.0.0.7"]) t.is(announceMsOf({ host }, idle), 5_000);
  t.is(announceMsOf({}, busy), 5_000);
  t.is(announceMsOf({ drainAnnounceMs: 700 }, idle), 700);
});

test.serial("what stops the start is a line of the JSON log too", async (t) => {
  for (const [args, text, env] of [
    [["--host", "192.0.2.1", "--port", "0"], /^192\.0\.2\.1 is not an address of this machine/, {}],
    [[], /^GREENROOM_PEER_SECRET: expected 32 characters/, { GREENROOM_PEER_SECRET: "short" }],
  ] as const) {
    const child = new Child(t, [bin, "serve", ...args], { env });
    t.not((await child.exit).code, 0);
    t.like(child.log.at(-1), { level: 60 }, text.source);
    t.regex(child.log.at(-1)?.msg ?? "", text);
    t.regex(child.stderr, /^greenroom: /, "and said to whoever sits there");
  }
});

test.serial("SIGUSR1 opens no debugger in a server, and does not end it", async (t) => {
  const child = new Child(t, [bin, "serve", "--port", "0"]);
  const url = await child.readyUrl();
  child.kill("SIGUSR1");
  await child.printed(/SIGUSR1 opens no debugger/, "stderr");
  t.notRegex(child.stderr, /Debugger listening/);
  t.is((await fetch(`${url}/health`)).status, 200);
});
