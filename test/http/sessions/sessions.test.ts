import { BroadcastChannel } from "node:worker_threads";
import anyTest, { type TestFn } from "ava";
import type { AgentLauncher } from "greenroom";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import { sessionMetricFields } from "../../../src/shared/session/session-metric-fields.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher; hasty: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher({ maxSessionsPerCall: 2 });
  t.context.hasty = await startLauncher({ closeGraceMs: 2_000, createTimeoutMs: 4_000 });
});
test.after.always((t) => Promise.all([t.context.launcher.stop(), t.context.hasty.stop()]));

const isoUtc = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

test("POST /sessions starts an agent while it goes on to join", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const { status, headers, body } = await ask("/sessions", {
    json: {
      call_id: "kitchen",
      call_type: "audio",
      config: { gate: "never", deep: { ä: ["☃"] } },
      ignored: true,
    },
  });
  t.is(status, 201);
  t.is(headers.get("content-type"), "application/json; charset=utf-8");
  t.deepEqual(Object.keys(body), [
    "session_id",
    "call_id",
    "call_type",
    "config",
    "session_started_at",
    "state",
    "session_token",
  ]);
  t.is(body.call_id, "kitchen");
  t.is(body.call_type, "audio");
  t.deepEqual(body.config, { gate: "never", deep: { ä: ["☃"] } });
  t.is(body.state, "joining");
  t.regex(body.session_started_at, isoUtc);
});

test("call_type and config have defaults", async (t) => {
  const { start } = await openServer(t, t.context.launcher);
  const { call_type, config } = await start();
  t.is(call_type, "default");
  t.deepEqual(config, {});
});

test("a start that is not valid is told what is wrong, as FastAPI tells it", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const flaws = async (json: Parameters<typeof ask>[1] & object) => {
    const { status, body } = await ask("/sessions", json);
    t.is(status, 422);
    t.is(body.code, "INVALID_REQUEST");
    return body.detail;
  };
  t.deepEqual(await flaws({ json: {} }), [
    { loc: ["body", "call_id"], msg: "Field required", type: "missing" },
  ]);
  const [notText] = await flaws({ json: { call_id: 7 } });
  t.deepEqual(notText.loc, ["body", "call_id"]);
  t.is(notText.type, "string_type");
  for (const [call_id, type] of [
    ["", "string_too_short"],
    ["x".repeat(256), "string_too_long"],
    ["a/b", "string_pattern_mismatch"],
    ["a\nb", "string_pattern_mismatch"],
    ["a\u0085b", "string_pattern_mismatch"],
    ["\ud800", "value_error"],
  ] as const) {
    const [flaw] = await flaws({ json: { call_id } });
    t.deepEqual(flaw.loc, ["body", "call_id"]);
    t.is(flaw.type, type, JSON.stringify(call_id));
  }
  for (const config of [[], null, "text", 1]) {
    const [flaw] = await flaws({ json: { call_id: "c", config } });
    t.deepEqual(flaw.loc, ["body", "config"]);
  }
  t.is((await flaws({ json: ["call_id"] }))[0].type, "dict_type");
  t.is((await flaws({ json: null }))[0].type, "dict_type");
  t.deepEqual(await flaws({ method: "POST" }), [{ loc: ["body"], msg: "Field required", type: "missing" }]);
  const json = { "content-type": "application/json" };
  for (const body of ["{", '{"call_id":"a"} x', "nothing", "\u0000"]) {
    t.is((await flaws({ body, headers: json }))[0].type, "json_invalid");
  }
});

test("255 characters are a call_id, and so are spaces and signs", async (t) => {
  const { start } = await openServer(t, t.context.launcher);
  for (const call_id of ["x".repeat(255), "ä ☃ %2F ?#"]) t.is((await start({ call_id })).call_id, call_id);
});

test("as many sessions in a call as there may be: 429 with Retry-After", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  await start({ call_id: "crowd" });
  await start({ call_id: "crowd" });
  const { status, headers, body } = await ask("/sessions", { json: { call_id: "crowd" } });
  t.is(status, 429);
  t.is(body.code, "CALL_FULL");
  t.is(body.detail, "Reached maximum number of sessions for this call");
  t.regex(headers.get("retry-after") ?? "", /^\d+$/);
});

test("as many sessions as there may be: 429 with Retry-After, and /ready says no", async (t) => {
  const launcher = await startLauncher({ maxConcurrentSessions: 1 });
  t.teardown(() => launcher.stop());
  const { ask, start } = await openServer(t, launcher);
  const session = await start();
  const { status, headers, body } = await ask("/sessions", { json: { call_id: "next" } });
  t.is(status, 429);
  t.deepEqual(body, { detail: "Reached maximum number of concurrent sessions", code: "POOL_FULL" });
  t.regex(headers.get("retry-after") ?? "", /^\d+$/);
  t.is((await ask("/ready")).body.code, "POOL_FULL");
  t.is((await ask("/serving")).status, 200);
  t.is((await ask(`/sessions/${session.session_id}?wait=true`, { method: "DELETE" })).status, 204);
  t.is((await ask("/ready")).status, 200);
});

test("createAgent that throws, or takes too long: 500 without a word of it", async (t) => {
  const { ask } = await openServer(t, t.context.hasty);
  for (const course of ["create-throws", "create-hangs"]) {
    const { status, text, body } = await ask("/sessions", { json: { call_id: course, config: { course } } });
    t.is(status, 500);
    t.deepEqual(body, { detail: "Failed to start agent", code: "START_FAILED" });
    t.notRegex(text, /secret/);
  }
});

test("a launcher that is not started answers 503 with Retry-After", async (t) => {
  const launcher = await startLauncher();
  await launcher.stop();
  const { ask } = await openServer(t, launcher);
  const { status, headers, body } = await ask("/sessions", { json: { call_id: "late" } });
  t.is(status, 503);
  t.is(body.code, "DRAINING");
  t.truthy(headers.get("retry-after"));
  t.is(headers.get("connection"), "close");
});

test("GET /sessions/{id} shows a live session", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  const started = await start({ config: { a: 1 } });
  const { status, body } = await ask(`/sessions/${started.session_id}`);
  t.is(status, 200);
  const { resources, last_latency, resumes, role, node_id, state, created_by, ...rest } = body;
  t.is(resumes, 0);
  t.is(role, null);
  t.is(node_id, (await supervisorOf(t.context.launcher)).node.nodeId);
  const { session_token, state: _, ...identity } = started;
  t.deepEqual(rest, identity);
  t.is(created_by, null);
  t.deepEqual(last_latency, { response_ms: null, first_token_ms: null });
  t.true(["joining", "live"].includes(state));
  t.true(resources === null || typeof resources.cpu_ms === "number");
});

test("a session that does not exist is not found, by any way to it", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const none = { detail: "Session with id 'nobody' not found", code: "SESSION_NOT_FOUND" };
  for (const [path, method] of [
    ["/sessions/nobody", "GET"],
    ["/sessions/nobody", "DELETE"],
    ["/sessions/nobody/close", "POST"],
    ["/sessions/nobody/metrics", "GET"],
    ["/sessions/nobody/events", "GET"],
    ["/calls/c/sessions/nobody", "GET"],
    ["/calls/c/sessions/nobody", "DELETE"],
    ["/calls/c/sessions/nobody/close", "POST"],
    ["/calls/c/sessions/nobody/metrics", "GET"],
  ] as const) {
    const { status, body } = await ask(path, { method });
    t.is(status, 404);
    t.deepEqual(body, none);
  }
  const message = await ask("/sessions/nobody/messages", { json: { text: "hello?" } });
  t.deepEqual(message.body, none);
});

test("DELETE begins to close; with wait it answers when the session has ended", async (t) => {
  const { ask, start } = await openServer(t, t.context.hasty);
  const { session_id } = await start({ config: { course: "ignores-close" } });
  const session = t.context.hasty.getSession(session_id)!;
  const first = await ask(`/sessions/${session_id}`, { method: "DELETE" });
  t.is(first.status, 204);
  t.is(first.text, "");
  t.is((await ask(`/sessions/${session_id}`)).body.state, "closing");
  const again = await ask(`/sessions/${session_id}?wait=true`, { method: "DELETE" });
  t.is(again.status, 204);
  t.is(session.state, "ended");
  t.is(session.endReason, "killed");
  t.is(session.closeRequestedBy, "api");
  t.is((await ask(`/sessions/${session_id}?wait=perhaps`, { method: "DELETE" })).status, 422);
});

test("for a while the 404 of an ended session says why it ended, without a stack", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  const broken = await start({ config: { course: "throws" } });
  await t.context.launcher.getSession(broken.session_id)!.ended;
  for (const method of ["GET", "DELETE"]) {
    const { status, body } = await ask(`/sessions/${broken.session_id}`, { method });
    t.is(status, 404);
    const { session_ended_at, ...rest } = body;
    t.regex(session_ended_at, isoUtc);
    t.deepEqual(rest, {
      detail: `Session with id '${broken.session_id}' not found`,
      code: "SESSION_NOT_FOUND",
      end_reason: "failed",
      error: { name: "TypeError", message: "the agent broke" },
    });
  }
  const closed = await start();
  await ask(`/sessions/${closed.session_id}?wait=1`, { method: "DELETE" });
  const { body } = await ask(`/sessions/${closed.session_id}`);
  t.is(body.end_reason, "closed");
  t.is(body.error, null);
});

test("POST …/close takes any content type, or none, as sendBeacon sends it", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  for (const [headers, body] of [
    [{}, undefined],
    [{ "content-type": "text/plain;charset=UTF-8" }, "bye"],
    [{ "content-type": "nonsense" }, "{"],
    [{ "content-type": "application/json" }, "{"],
    [{ "content-encoding": "gzip" }, new Uint8Array(100_000)],
  ] as const) {
    const { session_id } = await start();
    const session = t.context.launcher.getSession(session_id)!;
    const answer = await ask(`/sessions/${session_id}/close`, {
      method: "POST",
      headers,
      ...(body ? { body } : {}),
    });
    t.is(answer.status, 200);
    await session.ended;
    t.is(session.endReason, "closed");
  }
});

test("GET /sessions/{id}/metrics has every name of the catalogue, also after the end", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  const { session_id, call_id } = await start();
  const path = `/sessions/${session_id}/metrics`;
  const { status, body } = await ask(path);
  t.is(status, 200);
  t.is(body.session_id, session_id);
  t.is(body.call_id, call_id);
  t.regex(body.session_started_at, isoUtc);
  t.regex(body.metrics_generated_at, isoUtc);
  t.deepEqual(Object.keys(body.metrics).toSorted(), Object.keys(sessionMetricFields).toSorted());
  t.is(body.metrics.llm_latency_ms__avg, null);
  t.is(body.metrics.llm_tool_calls__total, 0);
  await ask(`/sessions/${session_id}?wait=true`, { method: "DELETE" });
  t.is((await ask(path)).status, 200);
});

test("a message is a turn: queued while joining, refused once the session closes", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  const { session_id } = await start({ config: { gate: "http-sessions" } });
  const session = t.context.launcher.getSession(session_id)!;
  t.is(session.state, "joining");
  const path = `/sessions/${session_id}/messages`;
  const { status, body } = await ask(path, { json: { text: "hello" } });
  t.is(status, 202);
  const answered = new Promise<string>((resolve) => {
    let turnId: string | undefined;
    session.events.subscribe(0, ({ event }) => {
      if (event.type !== "transcript") return;
      if (event.messageId === body.message_id) turnId = event.turnId;
      if (event.role === "agent" && event.final && event.turnId === turnId) resolve(event.text ?? "");
    });
  });
  const gate = new BroadcastChannel("http-sessions");
  const open = setInterval(() => gate.postMessage("join"), 10);
  t.teardown(() => {
    clearInterval(open);
    gate.close();
  });
  t.truthy(await answered);

  for (const json of [{}, { text: "" }, { text: " \n" }, { text: 1 }, { text: "x".repeat(8_193) }]) {
    t.is((await ask(path, { json })).status, 422);
  }
  await ask(`/sessions/${session_id}?wait=true`, { method: "DELETE" });
  const late = await ask(path, { json: { text: "still there?" } });
  t.like(late, { status: 404, body: { code: "SESSION_NOT_FOUND", end_reason: "closed" } });
});

test("a body over 64 KiB is refused", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const { status, headers } = await ask("/sessions", {
    body: `{"call_id":"x","config":{"x":"${"y".repeat(65_536)}"}}`,
    headers: { "content-type": "application/json" },
  });
  t.is(status, 413);
  t.is(headers.get("content-type"), "application/json; charset=utf-8");
});
