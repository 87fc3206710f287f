import anyTest, { type TestFn } from "ava";
import { type AgentLauncher, HttpError, type Scope } from "greenroom";
import * as testing from "greenroom/testing";
import { allEndpoints } from "../../../src/control-plane/router.ts";
import { EventReader } from "../../fixtures/http/event-reader.ts";
import { type OpenServer, openServer, startLauncher } from "../../fixtures/http/open-server.ts";
import { spoken } from "../../fixtures/voice/spoken.ts";

/** One after another, since they share a server. Each leaves it without a session. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.afterEach(async ({ context: { launcher } }) => {
  await Promise.all(launcher.listSessions().map(({ id }) => launcher.closeSession(id, { wait: true })));
});
test.after.always((t) => t.context.launcher.stop());

const ids = (sessions: { session_id: string }[]) => sessions.map(({ session_id }) => session_id);

async function pages(ask: OpenServer["ask"], query: string): Promise<string[][]> {
  const all: string[][] = [];
  let cursor: string | null = null;
  do {
    const { body } = await ask(`/sessions?${query}${cursor === null ? "" : `&cursor=${cursor}`}`);
    all.push(ids(body.sessions));
    cursor = body.next_cursor;
  } while (cursor !== null);
  return all;
}

test("the live sessions, the oldest first, page by page", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  t.deepEqual((await ask("/sessions")).body, { sessions: [], next_cursor: null });
  const started: string[] = [];
  for (let i = 0; i < 5; i += 1) started.push((await start()).session_id);
  t.deepEqual(await pages(ask, ""), [started]);
  t.deepEqual(await pages(ask, "limit=2"), [started.slice(0, 2), started.slice(2, 4), started.slice(4)]);
  t.deepEqual(await pages(ask, "limit=5"), [started]);
  await ask(`/sessions/${started[2]}?wait=true`, { method: "DELETE" });
  started.splice(2, 1);
  t.deepEqual(
    await pages(ask, "limit=1"),
    started.map((id) => [id]),
  );
});

test("a page goes on where the last one ended, even if that session is gone", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  const started: string[] = [];
  for (let i = 0; i < 3; i += 1) started.push((await start()).session_id);
  const first = await ask("/sessions?limit=1");
  await ask(`/sessions/${started[0]}?wait=true`, { method: "DELETE" });
  const second = await ask(`/sessions?limit=5&cursor=${first.body.next_cursor}`);
  t.deepEqual(ids(second.body.sessions), started.slice(1));
});

test("what cannot be asked for is refused", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  for (const [query, name] of [
    ["limit=0", "limit"],
    ["limit=1001", "limit"],
    ["limit=x", "limit"],
    ["limit=1.5", "limit"],
    ["state=ended", "state"],
    ["cursor=nonsense", "cursor"],
    ["cursor=W10", "cursor"],
  ] as const) {
    const { status, body } = await ask(`/sessions?${query}`);
    t.is(status, 422, query);
    t.deepEqual(body.detail[0].loc, ["query", name]);
  }
  for (const limit of ["zzz", "1.5"]) {
    t.deepEqual((await ask(`/sessions?limit=${limit}`)).body.detail, [
      { loc: ["query", "limit"], msg: "Input should be a valid integer", type: "int_parsing" },
    ]);
  }
});

test("each session is judged in a scope of its own, before the page is cut", async (t) => {
  const userLookups: string[] = [];
  const judged: string[] = [];
  const user = ({ headers }: Scope) => {
    userLookups.push("lookup");
    return headers.get("x-user");
  };
  const owner = async (scope: Scope) => {
    judged.push(scope.params.session_id ?? "");
    return (await scope.resolve(user)) === scope.session().createdBy;
  };
  const { ask, start } = await openServer(t, t.context.launcher, {
    getCurrentUser: user,
    canViewSession: (scope) => scope.resolve(owner),
  });
  const hers: string[] = [];
  for (const name of ["his", "hers", "his", "hers", "hers"]) {
    const { session_id } = await start({}, { "x-user": name });
    if (name === "hers") hers.push(session_id);
  }
  userLookups.length = 0;
  const { body } = await ask("/sessions?limit=2", { headers: { "x-user": "hers" } });
  t.deepEqual(ids(body.sessions), hers.slice(0, 2));
  t.is(userLookups.length, 1);
  t.is(judged.length, 5);
  t.is(new Set(judged).size, 5);
  const rest = await ask(`/sessions?limit=2&cursor=${body.next_cursor}`, { headers: { "x-user": "hers" } });
  t.deepEqual(ids(rest.body.sessions), hers.slice(2));
  t.is(rest.body.next_cursor, null);
});

test("an empty cursor is that of the first page", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  await start();
  const { status, body } = await ask("/sessions?cursor=&limit=1");
  t.deepEqual([status, body.sessions.length], [200, 1]);
});

test("by call and by state", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  const joining = await start({ call_id: "a", config: { gate: "never" } });
  const closing = await start({ call_id: "a", config: { course: "ignores-close" } });
  await start({ call_id: "b" });
  await ask(`/sessions/${closing.session_id}`, { method: "DELETE" });
  t.deepEqual(ids((await ask("/sessions?call_id=a")).body.sessions), [
    joining.session_id,
    closing.session_id,
  ]);
  t.deepEqual(ids((await ask("/sessions?state=joining&call_id=a")).body.sessions), [joining.session_id]);
  t.deepEqual(ids((await ask("/sessions?state=closing")).body.sessions), [closing.session_id]);
  t.deepEqual((await ask("/sessions?call_id=nobody")).body.sessions, []);
});

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

test("a spoken turn tells how long its answer took to sound, and what that consists of", async (t) => {
  const { launcher } = t.context;
  const { url, ask } = await openServer(t, launcher);
  const session = await launcher.startSession({ callId: "spoken", inMemory: { speed: 4 } });
  using call = await testing.dial(session.id);
  await call.joined;
  await call.addParticipant("alice").play(await spoken("Good evening."));

  const reader = await EventReader.open(t, `${url}/sessions/${session.id}/events`);
  const events = await reader.until(({ event }) => event === "turn");
  const heard = events.find(({ data }) => data.role === "user")!;
  t.is(heard.data.participant_id, "alice");
  const { data: turn } = events.at(-1)!;
  t.is(turn.outcome, "done");
  t.is(turn.eager, false);
  const { response_ms, ...parts } = turn.latency;
  t.deepEqual(Object.keys(parts), [
    "end_of_turn_ms",
    "first_token_ms",
    "first_sentence_ms",
    "first_byte_ms",
    "output_ms",
  ]);
  const sum = (Object.values(parts) as number[]).reduce((whole, part) => whole + part, 0);
  t.true(Math.abs(sum - response_ms) < 0.01);
  t.true(parts.end_of_turn_ms > 0);

  const { metrics } = (await ask(`/sessions/${session.id}/metrics`)).body;
  t.is(metrics.response_latency_ms__avg, response_ms);
  t.is(metrics.eot_latency_ms__avg, parts.end_of_turn_ms);
  t.is(metrics.turn_trailing_silence_ms__avg, parts.end_of_turn_ms);
  t.true(metrics.tts_characters__total > 0 && metrics.stt_audio_duration_ms__total > 0);
  const { text } = await ask("/metrics");
  t.regex(text, /^greenroom_response_seconds_count\{outcome="done",eager="false"\} 1$/m);
  t.regex(text, /^greenroom_response_part_seconds_count\{part="end_of_turn"\} 1$/m);
});
