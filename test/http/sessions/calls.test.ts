import anyTest, { type TestFn } from "ava";
import { type AgentLauncher, HttpError } from "greenroom";
import { allEndpoints } from "../../../src/control-plane/router.ts";
import { EventReader } from "../../fixtures/http/event-reader.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

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
    ["/events", "GET"],
    ["/messages", "POST"],
    ["/join-token", "POST"],
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

test("every path of a session is also one of its call, with the same statuses but for closing", (t) => {
  const endpoints = allEndpoints({ metricsPort: null, authenticated: false, strictBodies: false });
  const of = (prefix: string) =>
    endpoints
      .filter(({ path }) => path.startsWith(`${prefix}/{session_id}`))
      .map(({ method, path, judgement }) => `${method} ${path.slice(prefix.length)} ${judgement}`)
      .toSorted();
  t.deepEqual(of("/calls/{call_id}/sessions"), of("/sessions"));
});

test("messages and events of a session under its call", async (t) => {
  const { ask, url } = await openServer(t, t.context.launcher);
  const { body } = await ask("/calls/talk/sessions", { method: "POST" });
  const path = `/calls/talk/sessions/${body.session_id}`;
  const sent = await ask(`${path}/messages`, { json: { text: "hello" } });
  t.is(sent.status, 202);
  const reader = await EventReader.open(t, `${url}${path}/events?token=${body.session_token}`);
  const events = await reader.until(({ event }) => event === "turn");
  t.true(events.some(({ data }) => data.type === "transcript" && data.message_id === sent.body.message_id));
  t.is((await ask(path, { method: "DELETE" })).status, 202);
  t.is((await reader.rest()).at(-1)!.event, "end");
});

test("all sessions of a call are closed at once, and those of others are not", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  const mine = [await start({ call_id: "all" }), await start({ call_id: "all", call_type: "livestream" })];
  const other = await start({ call_id: "all-but-not-this" });
  const { status, body } = await ask("/calls/all/sessions?wait=True", { method: "DELETE" });
  t.is(status, 202);
  t.is(body.status, "closing");
  t.deepEqual(body.session_ids.toSorted(), mine.map(({ session_id }) => session_id).toSorted());
  for (const { session_id } of mine) t.is(t.context.launcher.getSession(session_id)?.endReason, "closed");
  t.is(t.context.launcher.getSession(other.session_id)?.endReason, null);
  const again = await ask("/calls/all/sessions", { method: "DELETE" });
  t.deepEqual([again.status, again.body], [202, { status: "closing", session_ids: [] }]);
  t.is((await ask("/calls/all/sessions?wait=perhaps", { method: "DELETE" })).status, 422);
  t.is((await ask("/calls/a%2Fb/sessions", { method: "DELETE" })).status, 422);
});

test("of the sessions of a call those are closed that the caller may close", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher, {
    getCurrentUser: ({ headers }) => {
      const name = headers.get("x-user");
      if (name === null) throw new HttpError(401, "Who are you?");
      return name;
    },
    canViewSession: ({ headers, session }) =>
      headers.get("x-user") === "guard" || headers.get("x-user") === session().createdBy,
    canCloseSession: ({ headers, session }) => {
      if (headers.get("x-user") !== session().createdBy) throw new HttpError(403, "Not yours");
    },
  });
  const [ann] = [
    await start({ call_id: "shared" }, { "x-user": "ann" }),
    await start({ call_id: "shared" }, { "x-user": "bob" }),
  ];
  const close = (user?: string) =>
    ask("/calls/shared/sessions", { method: "DELETE", headers: user ? { "x-user": user } : {} });
  t.is((await close()).status, 401);
  // Who sees sessions there and may close none is told; who sees none learns nothing.
  t.is((await close("guard")).status, 403);
  t.deepEqual((await close("carl")).body.session_ids, []);
  t.deepEqual((await close("ann")).body.session_ids, [ann.session_id]);
  t.is(t.context.launcher.getSession(ann.session_id)?.closeRequestedBy, "ann");
});
