import { BroadcastChannel } from "node:worker_threads";
import anyTest, { type TestFn } from "ava";
import { type AgentLauncher, HttpError, type JsonObject, type Session } from "greenroom";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { openPair, placesOf } from "../../fixtures/http/open-fleet.ts";
import { type OpenServer, openServer, startLauncher } from "../../fixtures/http/open-server.ts";
import { reached } from "../../fixtures/session-watch.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher({ agent: agentUrl("calls/open-call") });
});
test.after.always((t) => t.context.launcher.stop());

/** A session whose agent is in its call. */
async function live(
  launcher: AgentLauncher,
  { start }: OpenServer,
  config: JsonObject = {},
): Promise<Session> {
  const { session_id: id } = await start({ call_type: "support", call_id: "c1", config });
  const session = launcher.getSession(id)!;
  await reached(session, "live");
  return session;
}

test("somebody may join the call that the agent is in", async (t) => {
  const server = await openServer(t, t.context.launcher);
  const { id } = await live(t.context.launcher, server);
  const json = { user_id: "ann@home", user_name: "Ann", expires_in_seconds: 60 };
  const before = Date.now();
  const { status, headers, body } = await server.ask(`/sessions/${id}/join-token`, { json });
  t.is(status, 200);
  t.is(headers.get("cache-control"), "no-store");
  const { expires_at, ...rest } = body;
  t.deepEqual(rest, {
    call_type: "support",
    call_id: "c1",
    user_id: "ann@home",
    user_name: "Ann",
    token: "token of ann@home for c1",
    api_key: "key",
    lifetime: 60,
    guest: { id: "ann@home", name: "Ann", madeUp: false },
  });
  const lifetime = Date.parse(expires_at) - before;
  t.true(lifetime > 59_000 && lifetime < 90_000);

  const inCall = await server.ask(`/calls/c1/sessions/${id}/join-token`, { json });
  t.is(inCall.body.token, "token of ann@home for c1");
  t.is((await server.ask(`/calls/c2/sessions/${id}/join-token`, { json })).status, 404);
});

test("without a name, a caller is always the same user, and a stranger a new guest", async (t) => {
  const { launcher } = t.context;
  const known = await openServer(t, launcher, {
    getCurrentUser: ({ headers }) => JSON.parse(headers.get("x-user") ?? "null"),
  });
  const { id } = await live(launcher, known);
  const userOf = async (user: unknown) => {
    const headers = { "x-user": JSON.stringify(user) };
    const { body } = await known.ask(`/sessions/${id}/join-token`, { method: "POST", headers });
    return body;
  };
  t.like(await userOf("ann"), { user_id: "ann", user_name: "ann", guest: { madeUp: false } });
  t.like(await userOf({ id: "bob", plan: "pro" }), { user_id: "bob" });
  const derived = await userOf("ann smith/ä");
  t.regex(derived.user_id, /^user-[\da-f]{32}$/);
  t.is((await userOf("ann smith/ä")).user_id, derived.user_id);
  const [one, other] = [await userOf(null), await userOf(null)];
  t.regex(one.user_id, /^guest-[\da-f-]{36}$/);
  t.not(one.user_id, other.user_id);
  t.like(one, { user_name: "Guest", guest: { madeUp: true }, lifetime: 3_600 });
});

test("what cannot be is refused, the agent's own user above all", async (t) => {
  const server = await openServer(t, t.context.launcher);
  const { id } = await live(t.context.launcher, server);
  const asked = (json: JsonObject) => server.ask(`/sessions/${id}/join-token`, { json });
  for (const [json, at] of [
    [{ user_id: "agent" }, "user_id"],
    [{ user_id: "" }, "user_id"],
    [{ user_id: "a b" }, "user_id"],
    [{ user_id: "a".repeat(256) }, "user_id"],
    [{ user_name: "" }, "user_name"],
    [{ expires_in_seconds: 59 }, "expires_in_seconds"],
    [{ expires_in_seconds: 86_401 }, "expires_in_seconds"],
    [{ expires_in_seconds: 60.5 }, "expires_in_seconds"],
    [{ userId: "ann" }, "userId"],
  ] as const) {
    const { status, body } = await asked(json);
    t.is(status, 422, JSON.stringify(json));
    t.deepEqual(body.detail[0].loc, ["body", at]);
  }
});

test("409 where the agent is in no call, or its call has no tokens; 404 with the reason once it has ended", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher);
  const none = await live(launcher, server, { invites: "none" });
  t.like(await server.ask(`/sessions/${none.id}/join-token`, { method: "POST" }), {
    status: 409,
    body: { code: "NO_JOIN_TOKENS" },
  });
  const closing = await live(launcher, server, { fault: "ignore-close" });
  await launcher.closeSession(closing.id);
  t.like(await server.ask(`/sessions/${closing.id}/join-token`, { method: "POST" }), {
    status: 409,
    body: { code: "SESSION_CLOSING" },
  });
  const over = await live(launcher, server);
  await launcher.closeSession(over.id, { wait: true });
  t.like(await server.ask(`/sessions/${over.id}/join-token`, { method: "POST" }), {
    status: 404,
    body: { code: "SESSION_NOT_FOUND", end_reason: "closed" },
  });

  const typed = await startLauncher({ maxConcurrentSessions: 1 });
  t.teardown(() => typed.stop());
  const outside = await openServer(t, typed);
  const { session_id } = await outside.start({ config: { gate: "never" } });
  const early = await outside.ask(`/sessions/${session_id}/join-token`, { method: "POST" });
  t.like(early, { status: 409, body: { code: "NOT_IN_CALL" } });
  t.is(early.headers.get("retry-after"), "1");
});

test("an edge that fails, or does not answer, is a 503; nobody waits for longer than about 5 s", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher);
  for (const invites of ["fail", "hang"]) {
    const { id } = await live(launcher, server, { invites });
    const { status, headers, body } = await server.ask(`/sessions/${id}/join-token`, { method: "POST" });
    t.is(status, 503);
    t.deepEqual(body, { detail: "The edge of this session failed: try again later", code: "EDGE_FAILED" });
    t.is(headers.get("retry-after"), "1");
  }
});

test("who waits for a token of a session that dies is told so", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher);
  const session = await live(launcher, server, { invites: "hang" });
  const channel = new BroadcastChannel(`hangs ${session.id}`);
  t.teardown(() => channel.close());
  const hangs = new Promise<unknown>((resolve) => {
    channel.onmessage = resolve;
  });
  const answer = server.ask(`/sessions/${session.id}/join-token`, { method: "POST" });
  await hangs;
  await launcher.closeSession(session.id, { wait: true });
  t.like(await answer, { status: 409, body: { code: "SESSION_CLOSING" } });
});

test("canJoinCall judges, and sees what is asked for; a session token does not open it", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher, {
    getCurrentUser: ({ headers }) => headers.get("x-user"),
    canViewSession: ({ headers }) => headers.get("x-user") !== "stranger",
    canJoinCall: ({ body, headers }) => {
      const { user_id } = (body ?? {}) as { user_id?: string };
      if (user_id !== undefined && user_id !== headers.get("x-user")) throw new HttpError(403, "Be yourself");
    },
  });
  const { session_id: id, session_token: token } = await server.start({}, { "x-user": "ann" });
  await reached(launcher.getSession(id)!, "live");
  const asked = (user: string, json: JsonObject) =>
    server.ask(`/sessions/${id}/join-token`, { json, headers: { "x-user": user } });
  t.is((await asked("ann", { user_id: "ann" })).status, 200);
  t.like(await asked("ann", { user_id: "bob" }), { status: 403, body: { detail: "Be yourself" } });
  // Who is denied, and may not view the session either, does not learn that there is one.
  t.is((await asked("stranger", { user_id: "ann" })).status, 404);
  t.is((await asked("stranger", { user_id: "stranger" })).status, 200);
  const byToken = await server.ask(`/sessions/${id}/join-token?token=${token}`, {
    json: { user_id: "ann" },
    headers: { "x-user": "stranger" },
  });
  t.is(byToken.status, 404);
});

test("a caller who wants too many is told when to come back", async (t) => {
  const server = await openServer(t, t.context.launcher, { messagesPerSecond: 1 / 3_600, messageBurst: 1 });
  const { id } = await live(t.context.launcher, server);
  t.is((await server.ask(`/sessions/${id}/join-token`, { method: "POST" })).status, 200);
  t.like(await server.ask(`/sessions/${id}/join-token`, { method: "POST" }), {
    status: 429,
    body: { detail: "Too many requests: join tokens" },
  });
});

test("any replica passes the request on to the one that has the session", async (t) => {
  t.timeout(120_000);
  const fleet = await openPair({ launcher: { agent: agentUrl("calls/open-call") } });
  t.teardown(() => fleet.close());
  const { session_id } = await fleet.replicas[0].start({ call_id: "c9" });
  const { owner, foreign } = placesOf(fleet, session_id);
  await reached(owner.launcher.getSession(session_id)!, "live");
  const { status, body } = await foreign.ask(`/sessions/${session_id}/join-token`, {
    json: { user_id: "ann" },
  });
  t.is(status, 200);
  t.like(body, { call_id: "c9", token: "token of ann for c9" });
  const everything = fleet.replicas.flatMap((replica) => replica.lines());
  t.false(JSON.stringify(everything).includes("token of ann"));
});
