import test from "ava";
import { AgentFile } from "../fixtures/agent-file.ts";
import { eventually } from "../fixtures/eventually.ts";
import { program } from "../fixtures/runner/child.ts";
import { ask, startSession } from "../fixtures/runner/rest.ts";
import { inLongForm } from "../fixtures/trials.ts";

const longForm = inLongForm(test.serial);

/** A time longer than any test, in milliseconds. */
const forever = 600_000;

test.serial(
  "SIGTERM is announced: probes say no, yet starts are accepted, on connections that close",
  async (t) => {
    const runner = { drainAnnounceMs: forever, drainTimeoutMs: forever };
    const child = program(t, ["serve"], { runner });
    const url = await child.readyUrl();
    child.kill("SIGTERM");
    await child.logged(/^SIGTERM: draining/);
    for (const path of ["/ready", "/serving"]) t.is((await ask(url, path)).status, 400);
    const health = await ask(url, "/health");
    t.is(health.status, 200);
    t.is(health.headers.get("connection"), "close");
    await startSession(url);

    child.kill("SIGTERM");
    t.deepEqual(await child.exit, { code: 0, signal: null });
    t.like(child.log.at(-1), { cause: "SIGTERM", finished: 0, closed: 1 });
  },
);

test.serial("after the announcement starts are refused, and a running call goes on to its end", async (t) => {
  const child = program(t, ["serve", "--drain-announce-ms", "0", "--drain-timeout-ms", String(forever)]);
  const url = await child.readyUrl();
  const id = await startSession(url);
  child.kill("SIGTERM");
  await child.logged("calls_awaited");
  const refused = await ask(url, "/sessions", { call_id: "late" });
  t.is(refused.status, 503);
  t.is(refused.body.code, "DRAINING");
  t.is((await ask(url, `/sessions/${id}`)).status, 200);
  t.is((await ask(url, `/sessions/${id}/messages`, { text: "thanks" })).status, 202);

  t.is((await ask(url, `/sessions/${id}`, undefined, "DELETE")).status, 204);
  t.deepEqual(await child.exit, { code: 0, signal: null });
  t.like(child.log.at(-1), {
    msg: "Greenroom has stopped after SIGTERM: 1 call went on to its end",
    cause: "SIGTERM",
    finished: 1,
    closed: 0,
  });
});

test.serial(
  "that calls were closed can be read once more where metrics have a port of their own",
  async (t) => {
    const child = program(t, ["serve", "--metrics-port", "0"], {
      runner: { drainAnnounceMs: 0, drainTimeoutMs: 200 },
    });
    const url = await child.readyUrl();
    const { metrics_port: metricsPort } = await child.logged("server_listening");
    await startSession(url);
    child.kill("SIGTERM");
    const read = async () => {
      const url = `http://127.0.0.1:${metricsPort}/metrics`;
      const answer = await fetch(url, { headers: { connection: "close" } }).catch(() => null);
      return (await answer?.text().catch(() => "")) ?? "";
    };
    await eventually("they are counted", async () =>
      /sessions_ended_total\{reason="drained"\} 1/.test(await read()),
    );
    // Until it has been read after the end, that is: the one that was seen may have been the last before it.
    const reading = setInterval(() => void read(), 100);
    t.teardown(() => clearInterval(reading));
    t.deepEqual(await child.exit, { code: 0, signal: null });
  },
);

longForm("a second signal does not wait for that", async (t) => {
  const child = program(t, ["serve", "--metrics-port", "0"], {
    runner: { drainAnnounceMs: 0, drainTimeoutMs: 200 },
  });
  await startSession(await child.readyUrl());
  child.kill("SIGTERM");
  await child.logged("session_ended");
  child.kill("SIGTERM");
  t.deepEqual(await child.exit, { code: 0, signal: null });
});

longForm("calls that go on for too long are closed", async (t) => {
  const child = program(t, ["serve"], { runner: { drainAnnounceMs: 0, drainTimeoutMs: 200 } });
  const url = await child.readyUrl();
  await startSession(url);
  child.kill("SIGTERM");
  t.deepEqual(await child.exit, { code: 0, signal: null });
  t.like(child.log.at(-1), {
    msg: "Greenroom has stopped after SIGTERM: 1 call was closed",
    finished: 0,
    closed: 1,
  });
});

longForm("streams of events go on until their session has ended", async (t) => {
  const runner = { drainAnnounceMs: 0, drainTimeoutMs: forever };
  const child = program(t, ["serve"], { runner });
  const url = await child.readyUrl();
  const id = await startSession(url);
  const stream = await fetch(`${url}/sessions/${id}/events`);
  t.is(stream.status, 200);
  child.kill("SIGTERM");
  await child.logged("calls_awaited");
  child.kill("SIGTERM");
  t.regex(await stream.text(), /event: end\ndata: .*"reason":"drained","error":null\}\n\n$/);
  t.is((await child.exit).code, 0);
});

test.serial("Ctrl-C closes calls right away", async (t) => {
  const runner = { drainAnnounceMs: forever, drainTimeoutMs: forever };
  const child = program(t, ["serve"], { runner });
  const url = await child.readyUrl();
  await startSession(url);
  child.kill("SIGINT");
  t.deepEqual(await child.exit, { code: 0, signal: null });
  t.like(child.log.at(-1), { cause: "SIGINT", finished: 0, closed: 1 });
});

test.serial("one more signal while calls are closing ends the process there and then", async (t) => {
  const launcher = { closeGraceMs: forever };
  const child = program(t, ["serve"], { launcher, runner: { drainAnnounceMs: forever } });
  const url = await child.readyUrl();
  await startSession(url, { fault: "ignore-close" });
  for (const next of [/^SIGTERM: draining/, /^SIGTERM: closing all calls/]) {
    child.kill("SIGTERM");
    await child.logged(next);
  }
  child.kill("SIGTERM");
  t.deepEqual(await child.exit, { code: 143, signal: null });
  t.regex(child.log.at(-1)?.msg ?? "", /ends at once/);
});

test.serial("a signal while threads warm up ends it in order", async (t) => {
  const { url: agent } = new AgentFile(t, "await new Promise(() => {});");
  const child = program(t, ["serve"], { launcher: { agent } });
  await child.url();
  child.kill("SIGTERM");
  t.deepEqual(await child.exit, { code: 0, signal: null });
  t.false(child.log.some(({ msg }) => msg.startsWith("Greenroom is ready")));
});
