import test from "ava";
import { AgentLauncher, apiKey, Runner, routes } from "greenroom";
import Koa from "koa";
import { supervisorOf } from "../../src/agent-launcher.ts";
import { agentUrl } from "../fixtures/agent-url.ts";
import { ask, startSession } from "../fixtures/runner/rest.ts";

const quiet = {
  logLevel: "silent",
  agentsLogLevel: "silent",
  warmSessions: 0,
  maxConcurrentSessions: 2,
  ignoreLoad: true,
} as const;
const makeLauncher = (agent = "faults/misbehaving") =>
  new AgentLauncher({ ...quiet, agent: agentUrl(agent) });

test.serial("serve: a handle with the URL, told when it is ready, and closed in order", async (t) => {
  const server = await new Runner(makeLauncher(), { port: 0 }).serve();
  t.is(server.url, `http://127.0.0.1:${server.port}`);
  t.is(server.metricsPort, null);
  await server.ready;
  await startSession(server.url);
  const closing = server.close({ timeoutMs: 0 });
  t.is(server.close(), closing);
  t.deepEqual(await closing, { finished: 0, closed: 1, handedOver: 0 });
  await t.throwsAsync(ask(server.url, "/health"));
});

test.serial("options of the call count more than those of the runner", async (t) => {
  const runner = new Runner(makeLauncher(), { port: 1, host: "no such host" });
  const server = await runner.serve({ port: 0, host: "127.0.0.1", metricsPort: 0 });
  t.is((await ask(`http://127.0.0.1:${server.metricsPort}`, "/metrics")).status, 200);
  await server.close();
});

test.serial("an application of one's own is served as it is, around the launcher's life", async (t) => {
  const launcher = makeLauncher();
  const app = new Koa();
  app.use(routes(launcher));
  app.use((ctx) => {
    ctx.body = `mine: ${ctx.path}`;
  });
  const configured = app.middleware.length;
  const server = await new Runner(launcher, { app, port: 0 }).serve();
  await server.ready;
  t.is(app.middleware.length, configured);
  const mine = await ask(server.url, "/elsewhere");
  t.is(mine.body, "mine: /elsewhere");
  t.is(mine.headers.get("x-request-id"), null);
  t.is(mine.headers.get("access-control-allow-origin"), null);
  await startSession(server.url);
  t.deepEqual(await server.close({ timeoutMs: 0 }), { finished: 0, closed: 1, handedOver: 0 });
  await t.throwsAsync(ask(server.url, "/elsewhere"));
});

test.serial("what is wrong with the API that it mounts is said before it listens", async (t) => {
  const launcher = makeLauncher();
  const app = new Koa().use(routes(launcher, { getCurrentUser: apiKey({ file: "no-such-file" }) }));
  await t.throwsAsync(new Runner(launcher, { app, port: 0 }).serve(), {
    code: "INVALID_OPTIONS",
    message: /^apiKey\(\): .*no-such-file/,
  });
});

test.serial("connections of such an application close too once a shutdown is announced", async (t) => {
  const app = new Koa().use((ctx) => {
    ctx.body = "mine";
  });
  const server = await new Runner(makeLauncher(), { app, port: 0 }).serve();
  await server.ready;
  const hurry = new AbortController();
  const closing = server.close({ announceMs: 600_000, signal: hurry.signal });
  t.is((await ask(server.url, "/")).headers.get("connection"), "close");
  hurry.abort();
  t.deepEqual(await closing, { finished: 0, closed: 0, handedOver: 0 });
});

test.serial("a server that is closed while threads warm up is never ready", async (t) => {
  const server = await new Runner(makeLauncher("imports/slow-import"), { port: 0 }).serve();
  await Promise.all([t.throwsAsync(server.ready, { code: "DRAINING" }), server.close()]);
});

test.serial(
  "a port that is in use, and options that are wrong, are refused before anything starts",
  async (t) => {
    const first = await new Runner(makeLauncher(), { port: 0 }).serve();
    const launcher = makeLauncher();
    await t.throwsAsync(new Runner(launcher, { port: first.port }).serve(), { name: "ListenError" });
    await t.throwsAsync(new Runner(launcher, { port: 0, metricsPort: first.port }).serve(), {
      name: "ListenError",
    });
    t.is((await supervisorOf(launcher)).state, "idle");
    await first.close();
    for (const wrong of [{ port: -1 }, { drainTimeoutMs: -1 }, { drainTimeout: 1 }]) {
      await t.throwsAsync(new Runner(makeLauncher(), wrong as object).serve(), { code: "INVALID_OPTIONS" });
    }
  },
);
