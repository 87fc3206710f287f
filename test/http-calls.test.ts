import anyTest, { type TestFn } from "ava";
import type { AgentLauncher } from "greenroom";
import { openServer, startLauncher } from "./http-fixtures/open-server.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.after.always((t) => t.context.launcher.stop());

test("a client of Vision Agents finds its paths: start, look, measure, close", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const started = await ask("/calls/lobby/sessions", { json: { call_type: "audio_room" } });
  t.is(started.status, 201);
  t.is(started.body.call_id, "lobby");
  t.is(started.body.call_type, "audio_room");
  const path = `/calls/lobby/sessions/${started.body.session_id}`;
  t.is((await ask(path)).body.session_id, started.body.session_id);
  t.is((await ask(`${path}/metrics`)).body.call_id, "lobby");
  t.is((await ask(`/sessions/${started.body.session_id}`)).status, 200);
  const closed = await ask(path, { method: "DELETE" });
  t.is(closed.status, 202);
  const second = await ask("/calls/lobby/sessions", { json: {} });
  const closedByBeacon = await ask(`/calls/lobby/sessions/${second.body.session_id}/close`, {
    method: "POST",
    body: "bye",
  });
  t.is(closedByBeacon.status, 202);
});

test("the body of a start may be left out, as the call is in the path", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const { status, body } = await ask("/calls/quiet%20room/sessions", { method: "POST" });
  t.is(status, 201);
  t.is(body.call_id, "quiet room");
  t.is(body.call_type, "default");
});

test("another call's session is not found", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  const { session_id } = await start({ call_id: "mine" });
  for (const [tail, method] of [
    ["", "GET"],
    ["", "DELETE"],
    ["/close", "POST"],
    ["/metrics", "GET"],
  ] as const) {
    const { status, body } = await ask(`/calls/theirs/sessions/${session_id}${tail}`, { method });
    t.is(status, 404);
    t.deepEqual(body, { detail: `Session with id '${session_id}' not found`, code: "SESSION_NOT_FOUND" });
  }
  t.is((await ask(`/calls/mine/sessions/${session_id}`)).status, 200);
});

test("a call that cannot be one is refused", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  for (const callId of ["a%2Fb", "a%00b", "x".repeat(256), "a%0Ab"]) {
    const { status, body } = await ask(`/calls/${callId}/sessions`, { json: {} });
    t.is(status, 422, callId);
    t.deepEqual(body.detail[0].loc, ["path", "call_id"]);
  }
});

test("a call lists its own sessions", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  const one = await start({ call_id: "listed" });
  const two = await start({ call_id: "listed" });
  await start({ call_id: "not listed" });
  const { body } = await ask("/calls/listed/sessions");
  t.deepEqual(
    body.sessions.map((session: { session_id: string }) => session.session_id),
    [one.session_id, two.session_id],
  );
});
