import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import test from "ava";
import manifest from "../../package.json" with { type: "json" };
import { AgentFile, throwsAtImport, workingAgent } from "../fixtures/agent-file.ts";
import { freePort } from "../fixtures/free-port.ts";
import { needs } from "../fixtures/needs.ts";
import { bin, Child, noTerminal, program, temporaryFolder } from "../fixtures/runner/child.ts";
import { ask, heard, startSession } from "../fixtures/runner/rest.ts";
import { inLongForm, trials } from "../fixtures/trials.ts";

const longForm = inLongForm(test.serial);

test.serial("npm start: the built-in agent is served, and the last line says where", async (t) => {
  const child = new Child(t, [bin, "serve", "--port", "0"]);
  const url = await child.readyUrl();
  t.is((await child.logged(/^Greenroom is ready/)).msg, `Greenroom is ready: ${url}  (docs at /docs)`);
  t.regex(url, /^http:\/\/127\.0\.0\.1:\d+$/);
  t.is((await ask(url, "/ready")).status, 200);
  t.is((await ask(url, "/docs")).status, 200);
  const id = await startSession(url);
  await heard(await fetch(`${url}/sessions/${id}/events`), /"state":"live"/);
  t.is((await ask(url, `/sessions/${id}`)).body.state, "live");
  t.regex((await child.logged(/^Capacity/)).msg, /^Capacity: \d+ sessions?: .*CPU/);
});

/** Shells that npm may run a script with: its own default, and others in the long form. On Windows it is cmd.exe, which cannot be tried here. */
const shells = trials(["sh"], ["sh", "bash"]);

for (const shell of shells) {
  needs(shell, test.serial)(
    `npm start hands signals on: the server drains and the port is free (${shell})`,
    async (t) => {
      // In this folder a developer's .env would be read: what it may set and what matters here is set.
      const port = String(await freePort());
      const options = ["--port", port, "--host", "127.0.0.1", "--drain-announce-ms", "0"];
      const start = ["start", ...(shell === "sh" ? [] : ["--script-shell", shell])];
      const npm = new Child(t, [...start, "--", ...options], {
        command: "npm",
        cwd: join(import.meta.dirname, "../.."),
      });
      await npm.url();
      const signal = shell === "sh" ? "SIGTERM" : "SIGINT";
      if (signal === "SIGTERM") npm.kill(signal);
      // As a terminal does on Ctrl-C: to everybody in the group.
      else process.kill(-npm.process.pid!, signal);
      t.deepEqual(await npm.exit, { code: 0, signal: null });
      t.like(npm.log.at(-1), { msg: `Greenroom has stopped after ${signal}: no call was running` });
      const again = createServer().listen(Number(port), "127.0.0.1");
      await once(again, "listening");
      again.close();
    },
  );
}

/**
 * cmd.exe takes all up to the && for the value of a variable, where other shells learn that `node` takes the shell's place:
 * otherwise the shell would be who gets npm's signals, and not hand them on.
 */
test("scripts that serve are for the shells of every system", (t) => {
  const programs = {
    start: "src/runner/bin.ts serve",
    console: "src/runner/bin.ts run",
    emulators: "test/emulators/main.ts",
  };
  for (const [name, program] of Object.entries(programs)) {
    const [assignment, command, ...more] = manifest.scripts[name as keyof typeof programs].split(" && ");
    t.regex(assignment!, /^set x=[^&|<>%^!]*$/);
    t.is(assignment!.split('"').length % 2, 1, "no quote is left open");
    t.is(command, `node ${program}`);
    t.deepEqual(more, []);
  }
  for (const script of Object.values(manifest.scripts)) t.notRegex(script, /^exec\b|[<>|;]\s*\w+=|'/);
});

test.serial("in a terminal, log lines are for eyes, and what is said is said once", async (t) => {
  if (noTerminal(t)) return;
  const child = program(t, ["serve", "--max-concurrent-sessions", "5"], { terminal: true });
  const [, url = ""] = await child.printed(/Greenroom is ready: (http:\S+)/);
  const id = await startSession(url, { fault: "throw" });
  const [line] = await child.printed(/^.* A session ended .*\r?\n/m);
  const text = stripVTControlCharacters(line).trim();
  t.regex(text, /^\d\d:\d\d:\d\d error A session ended /);
  t.true(text.includes(` session_id=${id} call_id=call end_reason=failed `), text);
  t.true(text.endsWith(' err.message="the agent broke"'), text);
  child.write("\u0003");
  t.is((await child.exit).code, 0);
  t.is(child.stdout.split("Capacity: 5 sessions, as set").length, 2);
  t.is(child.stdout.split("Listening: ").length, 2);
  t.deepEqual(child.log, []);
});

longForm("in a terminal, the agents' own lines are there where they are asked for", async (t) => {
  if (noTerminal(t)) return;
  const child = program(t, ["serve", "--agents-log-level", "info"], { terminal: true });
  const [, url = ""] = await child.printed(/Greenroom is ready: (http:\S+)/);
  await startSession(url, { fault: "flood-console" });
  t.truthy(await child.printed(/^\{.*"msg":"flood 0"/m));
});

test.serial("it listens while threads warm up: alive, not ready", async (t) => {
  const gate = join(temporaryFolder(t), "gate");
  const { url: agent } = new AgentFile(
    t,
    `import { existsSync } from "node:fs";
     while (!existsSync(${JSON.stringify(gate)})) await new Promise((resolve) => setTimeout(resolve, 20));
     ${workingAgent}`,
  );
  const child = program(t, ["serve"], { launcher: { agent } });
  const url = await child.url();
  t.is((await ask(url, "/health")).status, 200);
  t.is((await ask(url, "/ready")).status, 400);
  t.is((await ask(url, "/sessions", { call_id: "x" })).body.code, "WARMING_UP");
  writeFileSync(gate, "");
  await child.readyUrl();
  t.is((await ask(url, "/ready")).status, 200);
});

test.serial(
  "a module that fails: the server stays up and says why in one line, and is ready once it is mended",
  async (t) => {
    const file = new AgentFile(t, throwsAtImport);
    const child = program(t, ["serve"], { launcher: { agent: file.url } });
    const { msg } = await child.logged(/^The agent cannot be started/);
    t.regex(msg, /RangeError: no key was given/);
    const url = await child.url();
    t.is((await ask(url, "/health")).status, 200);
    t.is((await ask(url, "/serving")).status, 400);
    t.is((await ask(url, "/sessions", { call_id: "x" })).status, 503);
    file.write(workingAgent);
    await child.readyUrl();
    t.is((await ask(url, "/serving")).status, 200);
    await startSession(url);
  },
);

test.serial("a port that is in use: one line that says what to do, and exit code 1", async (t) => {
  const first = new Child(t, [bin, "serve", "--port", "0"]);
  const { port } = new URL(await first.url());
  const second = new Child(t, [bin, "serve", "--port", port]);
  t.is((await second.exit).code, 1);
  t.is(
    second.stderr.trim(),
    `greenroom: port ${port} of 127.0.0.1 is in use: choose another with --port, or --port 0 for any free one`,
  );
  const third = new Child(t, [bin, "serve", "--port", "0", "--metrics-port", port]);
  t.is((await third.exit).code, 1);
  t.regex(third.stderr, /choose another with --metrics-port/);
  if (noTerminal(t)) return;
  const inTerminal = new Child(t, [bin, "serve", "--port", port], { terminal: true });
  t.is((await inTerminal.exit).code, 1);
  t.is(inTerminal.stdout.split(`port ${port} of 127.0.0.1 is in use`).length, 2, "it is told once");
});

longForm("metrics with a port of their own are on no other", async (t) => {
  const child = new Child(t, [bin, "serve", "--port", "0", "--metrics-port", "0"]);
  const url = await child.url();
  const { metrics_port: metricsPort } = await child.logged("server_listening");
  t.is((await ask(`http://127.0.0.1:${metricsPort}`, "/metrics")).status, 200);
  t.is((await ask(`http://127.0.0.1:${metricsPort}`, "/health")).status, 404);
  t.is((await ask(url, "/metrics")).status, 404);
});

test.serial("a server that anybody can reach and nothing guards says so loudly", async (t) => {
  const open = new Child(t, [bin, "serve", "--port", "0", "--host", "0.0.0.0"]);
  const warning = await open.logged(/Anybody who can reach/);
  t.is(warning.level, 40);
  t.true(warning.msg.includes("GREENROOM_API_KEYS"));
  const { msg, url: local } = await open.logged("server_listening");
  const { port } = new URL(local as string);
  t.is(msg, `Listening: http://0.0.0.0:${port} (every address of this machine)`);
  t.is(local, `http://127.0.0.1:${port}`);
  const guarded = new Child(t, [bin, "serve", "--port", "0", "--host", "0.0.0.0"], {
    env: { GREENROOM_API_KEYS: "0123456789abcdef" },
  });
  const url = await guarded.readyUrl();
  t.false(guarded.log.some(({ msg }) => msg.startsWith("Anybody")));
  t.is((await ask(url, "/sessions", { call_id: "x" })).status, 401);
});

longForm("API keys that cannot be read stop the start", async (t) => {
  const env = { GREENROOM_API_KEYS: "short" };
  const child = new Child(t, [bin, "serve", "--port", "0"], { env });
  t.is((await child.exit).code, 2);
  t.regex(child.stderr, /at least 16 characters/);
});

test.serial(
  "a callback that leaves a rejection behind harms nobody; after one that throws running calls end first",
  async (t) => {
    const child = program(t, ["serve"], { env: { TEST_CALLBACKS: "1" } });
    const url = await child.readyUrl();
    const id = await startSession(url);
    t.is((await ask(url, `/sessions/${id}`)).status, 200);
    await child.logged("rejection_unhandled");
    t.is((await ask(url, `/sessions/${id}`)).status, 200);
    await ask(url, `/sessions/${id}/metrics`);
    await child.logged("calls_awaited");
    t.is((await ask(url, "/sessions", { call_id: "x" })).body.code, "DRAINING");
    await ask(url, `/sessions/${id}`, undefined, "DELETE");
    t.is((await child.exit).code, 1);
    t.like(child.log.at(-1), { finished: 1, closed: 0 });
  },
);
