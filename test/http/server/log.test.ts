import type { RequestListener } from "node:http";
import { Writable } from "node:stream";
import test, { type ExecutionContext } from "ava";
import { type AgentLauncher, HttpError, type ServeOptions } from "greenroom";
import pino from "pino";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import { createMetricsApp } from "../../../src/control-plane/metrics-app.ts";
import { EventReader } from "../../fixtures/http/event-reader.ts";
import { listen, openServer, startLauncher } from "../../fixtures/http/open-server.ts";

/** A server whose log can be read. */
async function logged(t: ExecutionContext, options: ServeOptions = {}) {
  let text = "";
  const sink = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const launcher = await startLauncher({ logger: pino({ level: "debug" }, sink) });
  t.teardown(() => launcher.stop());
  const server = await openServer(t, launcher, options);
  const lines = () =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { ...server, launcher, text: () => text, lines };
}

test.serial(
  "a line a request: method, route, status, time and session; no token, header, body or config",
  async (t) => {
    const { url, ask, start, text, lines } = await logged(t, {
      getCurrentUser: ({ headers }) => {
        if (headers.get("authorization") !== "Bearer secret-of-the-header") throw new HttpError(401, "who?");
        return "ann";
      },
    });
    const headers = { authorization: "Bearer secret-of-the-header", cookie: "session=secret-of-the-cookie" };
    const { session_id, session_token } = await start({ config: { key: "secret-of-the-config" } }, headers);
    await ask(`/sessions/${session_id}/messages?token=${session_token}`, {
      json: { text: "secret-of-the-message" },
    });
    const reader = await EventReader.open(t, `${url}/sessions/${session_id}/events?token=${session_token}`);
    await reader.until(({ event }) => event === "turn");
    await ask(`/sessions/${session_id}/close?token=${session_token}`, {
      method: "POST",
      body: "secret-of-the-beacon",
    });
    await reader.rest();
    await ask(`/nowhere/${session_token}?q=secret-of-the-query`, { headers });
    await ask("/sessions?cursor=secret-of-the-query", { headers });
    const requests = lines().filter(({ event }) => event === "request_answered");
    t.deepEqual(
      requests.map(({ method, route, status, session_id: id }) => [method, route, status, id]).toSorted(),
      [
        ["GET", "/sessions", 422, undefined],
        ["GET", "/sessions/{session_id}/events", 200, session_id],
        ["GET", "unmatched", 404, undefined],
        ["POST", "/sessions", 201, session_id],
        ["POST", "/sessions/{session_id}/close", 200, session_id],
        ["POST", "/sessions/{session_id}/messages", 202, session_id],
      ],
    );
    for (const line of requests) {
      t.is(line.component, "http");
      t.is(typeof line.ms, "number");
      t.is(typeof line.request_id, "string");
    }
    t.notRegex(text(), /secret-of/);
    t.false(text().includes(session_token));
  },
);

test.serial("the request's id is the client's, or a new one, in the answer and in the log", async (t) => {
  const { ask, lines } = await logged(t);
  const given = await ask("/sessions", { headers: { "x-request-id": "trace-1" } });
  t.is(given.headers.get("x-request-id"), "trace-1");
  const made = await ask("/nowhere", { headers: { "x-request-id": "has a space" } });
  t.regex(made.headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/);
  const ids = lines()
    .filter(({ event }) => event === "request_answered")
    .map(({ request_id }) => request_id);
  t.deepEqual(ids, ["trace-1", made.headers.get("x-request-id")]);
});

test.serial("a failure is in the log with its error, and not in the answer", async (t) => {
  const { ask, lines } = await logged(t, {
    canStartSession: () => {
      throw new Error("the database is away", { cause: new Error("its cable") });
    },
  });
  const { text, headers } = await ask("/sessions", { json: { call_id: "c" } });
  t.is(text, '{"detail":"Internal server error","code":"INTERNAL"}');
  const failure = lines().find(({ event }) => event === "request_failed")!;
  t.is(failure.request_id, headers.get("x-request-id"));
  t.regex(JSON.stringify(failure), /the database is away/);
  t.is(failure.level, 50);
});

test.serial("an agent that does not start leaves its own error in the log", async (t) => {
  const { ask, lines } = await logged(t);
  await ask("/sessions", { json: { call_id: "c", config: { course: "create-throws" } } });
  for (const event of ["request_failed", "session_ended"]) {
    const { err } = lines().find((line) => line.event === event) as { err: Record<string, string> };
    t.is(err.type, "Error", event);
    t.regex(err.message!, /a secret of the agent/);
    t.regex(err.stack!, /http-agent\.ts/);
    t.is(err.name, undefined);
  }
});

test.serial("a refusal is expected: its line has a code and no stack", async (t) => {
  const { ask, launcher, text, lines } = await logged(t, {
    canViewSession: ({ headers }) => {
      if (headers.has("x-away")) throw new HttpError(503, "away", { cause: new TypeError("its cable") });
    },
  });
  await ask("/sessions", { json: {} });
  await ask("/sessions/none", { headers: { "x-away": "yes" } });
  (await supervisorOf(launcher)).announceDrain();
  await launcher.stop();
  await ask("/sessions", { json: { call_id: "late" } });
  t.deepEqual(
    lines()
      .filter(({ event }) => event === "request_refused")
      .map(({ level, code, cause, err }) => [level, code, cause, err]),
    [
      [40, "UNAVAILABLE", "TypeError: its cable", undefined],
      [40, "DRAINING", undefined, undefined],
    ],
  );
  t.notRegex(text(), /"stack"/);
});

test.serial("a logger whose every line throws changes no answer, and its lines are counted", async (t) => {
  const broken = {
    write() {
      throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    },
  };
  const ended: string[] = [];
  const launcher = await startLauncher({
    logger: pino({ level: "trace" }, broken),
    onSessionEnd: ({ sessionId }) => {
      ended.push(sessionId);
      throw new Error("the hook broke");
    },
  });
  t.teardown(() => launcher.stop());
  const { ask } = await openServer(t, launcher);
  const started = await ask("/sessions", { json: { call_id: "call" } });
  t.is(started.status, 201);
  const { session_id: id } = started.body;
  t.is((await ask(`/sessions/${id}`)).status, 200);
  t.is((await ask("/sessions", { json: {} })).status, 422);
  t.is((await ask(`/sessions/${id}?wait=true`, { method: "DELETE" })).status, 204);
  t.deepEqual(ended, [id]);
  t.regex((await ask("/metrics")).text, /^greenroom_log_lines_dropped_total\{reason="failed"\} [1-9]/m);
});

test.serial("probes and documents are logged at debug only; the level can be set", async (t) => {
  const { ask, launcher, lines } = await logged(t);
  await ask("/health");
  await ask("/metrics");
  t.deepEqual(
    lines()
      .filter(({ event }) => event === "request_answered")
      .map(({ level }) => level),
    [20, 20],
  );
  const quiet = await openServer(t, launcher, { httpLogLevel: "warn" });
  await quiet.ask("/sessions");
  t.is(lines().filter(({ event }) => event === "request_answered").length, 2);
});

test.serial("requests are measured by route, never by path", async (t) => {
  const { ask } = await logged(t);
  await ask("/sessions/one");
  await ask("/sessions/two");
  await ask("/astray");
  const { text, headers } = await ask("/metrics");
  t.regex(headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  t.regex(
    text,
    /greenroom_http_request_seconds_count\{route="\/sessions\/\{session_id\}",method="GET",status="404",from="client"\} 2/,
  );
  t.regex(text, /route="unmatched"/);
  t.notRegex(text, /sessions\/one|astray/);
});

test.serial("metrics on a port of their own are nowhere else", async (t) => {
  const { url, ask, launcher } = await logged(t, { metricsPort: 9_100 });
  t.is((await ask("/openapi.json")).body.paths["/metrics"], undefined);
  t.is((await fetch(`${url}/metrics`)).status, 404);
  const metrics = await listen(
    t,
    (await createMetricsApp(launcher as AgentLauncher)).callback() as RequestListener,
  );
  const { status, text } = await metrics.ask("/metrics");
  t.is(status, 200);
  t.true(text.includes("greenroom_sessions{"));
  t.is((await metrics.ask("/metrics", { method: "HEAD" })).status, 200);
  const post = await fetch(`${metrics.url}/metrics`, { method: "POST" });
  t.deepEqual([post.status, post.headers.get("allow")], [405, "HEAD, GET"]);
  t.is((await metrics.ask("/sessions/x/nothing")).status, 404);
});
