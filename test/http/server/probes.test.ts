import test from "ava";
import { AgentLauncher, HttpError } from "greenroom";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import { httpAgent, openServer, startLauncher } from "../../fixtures/http/open-server.ts";

const strangers = {
  getCurrentUser: () => {
    throw new HttpError(401, "Nobody may do anything");
  },
};

test("before the start the server is alive, and neither serves nor is ready", async (t) => {
  const launcher = new AgentLauncher({ agent: httpAgent, logLevel: "silent" });
  const { ask } = await openServer(t, launcher, strangers);
  const alive = await ask("/health");
  t.is(alive.status, 200);
  t.deepEqual(alive.body, { status: "ok" });
  for (const path of ["/serving", "/ready"]) {
    const { status, body } = await ask(path);
    t.is(status, 400);
    t.deepEqual(body, { detail: "The server has not been started", code: "NOT_STARTED" });
  }
});

test("warmed up, all three say yes to everybody, and HEAD too", async (t) => {
  const launcher = await startLauncher();
  t.teardown(() => launcher.stop());
  const { ask } = await openServer(t, launcher, strangers);
  for (const path of ["/health", "/serving", "/ready"]) {
    const { status, body, headers } = await ask(path);
    t.is(status, 200);
    t.deepEqual(body, { status: "ok" });
    t.is(headers.get("cache-control"), "no-store");
    t.is((await ask(path, { method: "HEAD" })).status, 200);
  }
  t.is((await ask("/sessions")).status, 401);
});

test("an agent that cannot be loaded: not ready, and not a word of why", async (t) => {
  const agent = new URL("../../fixtures/agents/imports/throws-at-import.ts", import.meta.url);
  const launcher = new AgentLauncher({
    agent,
    warmSessions: 1,
    logLevel: "silent",
    agentsLogLevel: "silent",
  });
  t.teardown(() => launcher.stop());
  await t.throwsAsync(launcher.start());
  const { ask } = await openServer(t, launcher);
  for (const path of ["/serving", "/ready"]) {
    const { status, text } = await ask(path);
    t.is(status, 400);
    t.is(
      text,
      '{"detail":"The agent cannot be loaded at the moment: the log of the server has the error","code":"AGENT_UNAVAILABLE"}',
    );
  }
  t.is((await ask("/health")).status, 200);
});

test("an announced shutdown: probes say no, starts go on, connections end; then starts are refused", async (t) => {
  const launcher = await startLauncher();
  const { ask, start } = await openServer(t, launcher);
  t.is((await ask("/health")).headers.get("connection"), "keep-alive");
  const supervisor = await supervisorOf(launcher);
  supervisor.announceDrain();
  for (const path of ["/serving", "/ready"]) {
    const { status, body, headers } = await ask(path);
    t.is(status, 400);
    t.is(body.code, "DRAINING");
    t.is(headers.get("connection"), "close");
  }
  t.is((await ask("/health")).status, 200);
  const { session_id } = await start();
  const hurry = new AbortController();
  const drained = supervisor.drain({ timeoutMs: 60_000, signal: hurry.signal });
  const refused = await ask("/sessions", { json: { call_id: "late" } });
  t.is(refused.status, 503);
  t.is(refused.body.code, "DRAINING");
  t.is(refused.headers.get("connection"), "close");
  hurry.abort();
  await drained;
  t.is((await ask(`/sessions/${session_id}`)).body.end_reason, "drained");
});
