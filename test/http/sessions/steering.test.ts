import anyTest, { type TestFn } from "ava";
import type { AgentLauncher, JsonObject, Session } from "greenroom";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { openPair, placesOf } from "../../fixtures/http/open-fleet.ts";
import { type OpenServer, openServer, startLauncher } from "../../fixtures/http/open-server.ts";
import { script } from "../../fixtures/scripted-llm.ts";
import { eventOf, reached } from "../../fixtures/session-watch.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher({ agent: agentUrl("scripted") });
});
test.after.always((t) => t.context.launcher.stop());

/** A session whose agent is in its call. */
async function live(
  launcher: AgentLauncher,
  { start }: OpenServer,
  config: JsonObject = {},
): Promise<Session> {
  const { session_id: id } = await start({ call_id: "c1", config });
  const session = launcher.getSession(id)!;
  await reached(session, "live");
  return session;
}

/** Resolves with the words that the agent has said in a turn. */
async function saidIn(session: Session, turnId: string): Promise<string | undefined> {
  const event = await eventOf(
    session,
    (one) => one.type === "transcript" && one.role === "agent" && one.final && one.turnId === turnId,
  );
  return event.type === "transcript" ? event.text : undefined;
}

test("a backend has the agent say something, and finds its turn by the id", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher);
  const session = await live(launcher, server);
  for (const prefix of ["/sessions", "/calls/c1/sessions"]) {
    const { status, headers, body } = await server.ask(`${prefix}/${session.id}/say`, {
      json: { text: "Your order has left." },
    });
    t.is(status, 202);
    t.is(headers.get("content-type"), "application/json; charset=utf-8");
    t.is(await saidIn(session, body.turn_id), "Your order has left.");
  }
  t.is((await server.ask(`/calls/c2/sessions/${session.id}/say`, { json: { text: "x" } })).status, 404);
});

test("a backend has the agent answer an instruction", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher);
  const session = await live(launcher, server);
  const { status, body } = await server.ask(`/sessions/${session.id}/respond`, {
    json: { instruction: script([{ text: "Hello, Ann." }]) },
  });
  t.is(status, 202);
  t.is(await saidIn(session, body.turn_id), "Hello, Ann.");
});

test("a backend cuts the agent short; where it says nothing, nothing is cut", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher);
  const session = await live(launcher, server);
  const path = `/sessions/${session.id}`;
  t.like(await server.ask(`${path}/interrupt`, { method: "POST" }), { status: 200, body: { turn_id: null } });
  const held = await server.ask(`${path}/respond`, {
    json: { instruction: script([{ text: "I begin" }, { wait: "abort" }]) },
  });
  const { turn_id } = held.body;
  await eventOf(session, (one) => one.type === "transcript" && one.turnId === turn_id);
  t.like(await server.ask(`${path}/interrupt`, { method: "POST" }), { status: 200, body: { turn_id } });
  const over = await eventOf(session, (one) => one.type === "turn" && one.turnId === turn_id);
  t.like(over, { outcome: "interrupted" });

  const long = await server.ask(`${path}/respond`, {
    json: { instruction: script([{ text: "Again" }, { wait: "abort" }]) },
  });
  await eventOf(session, (one) => one.type === "transcript" && one.turnId === long.body.turn_id);
  const next = await server.ask(`${path}/say`, { json: { text: "Listen.", interrupt: true } });
  t.is(await saidIn(session, next.body.turn_id), "Listen.");
});

test("the instructions change in the middle of the call", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher);
  const session = await live(launcher, server);
  const changed = await server.ask(`/sessions/${session.id}`, {
    method: "PATCH",
    json: { instructions: "Answer in French." },
  });
  t.is(changed.status, 200);
  t.like(changed.body, { session_id: session.id, state: "live" });
  // The role is the same one: the first of such events is the words that are said after it.
  const { body } = await server.ask(`/sessions/${session.id}/say`, { json: { text: "Bonjour." } });
  const next = await eventOf(
    session,
    (one) => one.type === "role" || (one.type === "turn" && one.turnId === body.turn_id),
  );
  t.like(next, { type: "turn", outcome: "done" });
});

test("the role changes in the middle of the call, and its instructions with it", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher);
  const session = await live(launcher, server);
  const change = (json: JsonObject) => server.ask(`/sessions/${session.id}`, { method: "PATCH", json });
  t.like(await change({ role: "billing", instructions: "Be brief." }), {
    status: 200,
    body: { role: "billing" },
  });
  t.like(await eventOf(session, (one) => one.type === "role"), { role: "billing", by: "api" });
  t.like(await change({ role: "biling" }), {
    status: 422,
    body: { code: "NO_SUCH_ROLE", detail: 'The agent has no role "biling": did you mean billing?' },
  });
  t.like(await server.ask(`/sessions/${session.id}`), { body: { role: "billing" } });
  const { sessions } = (await server.ask("/sessions")).body;
  t.is(sessions.find((one: JsonObject) => one.session_id === session.id)?.role, "billing");
  t.like(await change({ role: null }), { status: 200, body: { role: null } });
  t.like(await eventOf(session, (one) => one.type === "role" && one.role === null), { by: "api" });
});

test("what a body cannot hold is refused, and says why", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher);
  const session = await live(launcher, server);
  const path = `/sessions/${session.id}`;
  for (const [tail, method, json] of [
    ["/say", "POST", {}],
    ["/say", "POST", { text: " " }],
    ["/say", "POST", { text: "x".repeat(8_193) }],
    ["/say", "POST", { text: "half \ud800" }],
    ["/say", "POST", { text: "x", interupt: true }],
    ["/say", "POST", { text: "x", interrupt: "yes" }],
    ["/respond", "POST", { text: "x" }],
    ["", "PATCH", {}],
    ["", "PATCH", { instructions: 7 }],
    ["", "PATCH", { role: "" }],
    ["", "PATCH", { instructions: "x".repeat(32_769) }],
    ["", "PATCH", { instructions: "x", config: {} }],
  ] as const) {
    const { status, body } = await server.ask(`${path}${tail}`, { method, json });
    t.is(status, 422, `${method} ${JSON.stringify(json).slice(0, 60)}`);
    t.true(Array.isArray(body.detail));
  }
  t.is((await server.ask(`${path}/say`, { method: "POST" })).status, 422);
  t.is(
    (await server.ask(path, { method: "PUT", json: {} })).headers.get("allow"),
    "HEAD, GET, DELETE, PATCH, OPTIONS",
  );
});

test("an agent that is not in its call, or has left it, cannot be steered", async (t) => {
  t.timeout(120_000);
  const { launcher } = t.context;
  const server = await openServer(t, launcher);
  const { session_id } = await server.start({ config: { gate: "never" } });
  const early = await server.ask(`/sessions/${session_id}/say`, { json: { text: "Hello" } });
  t.like(early, { status: 409, body: { code: "NOT_IN_CALL" } });
  t.is(early.headers.get("retry-after"), "1");
  await launcher.closeSession(session_id, { wait: true });
  const over = await server.ask(`/sessions/${session_id}/say`, { json: { text: "Hello" } });
  t.like(over, { status: 404, body: { code: "SESSION_NOT_FOUND", end_reason: "closed" } });
});

test("more turns than may wait are refused", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher, { messagesPerSecond: 1_000, messageBurst: 1_000 });
  const session = await live(launcher, server, { limits: { maxWaitingTurns: 1 } });
  const path = `/sessions/${session.id}`;
  const { body } = await server.ask(`${path}/respond`, {
    json: { instruction: script([{ text: "I begin" }, { wait: "abort" }]) },
  });
  await eventOf(session, (one) => one.type === "transcript" && one.turnId === body.turn_id);
  t.is((await server.ask(`${path}/say`, { json: { text: "one" } })).status, 202);
  t.like(await server.ask(`${path}/say`, { json: { text: "two" } }), {
    status: 429,
    body: { code: "MESSAGE_QUEUE_FULL" },
  });
});

test("a model that hears and speaks itself follows other instructions", async (t) => {
  t.timeout(120_000);
  const launcher = await startLauncher({ agent: agentUrl("providers/realtime") });
  t.teardown(() => launcher.stop());
  const server = await openServer(t, launcher);
  const session = await live(launcher, server);
  const change = { method: "PATCH", json: { instructions: "x" } };
  t.is((await server.ask(`/sessions/${session.id}`, change)).status, 200);
  const { body } = await server.ask(`/sessions/${session.id}/respond`, { json: { instruction: "Go on." } });
  const over = await eventOf(session, (one) => one.type === "turn" && one.turnId === body.turn_id);
  t.like(over, { outcome: "done" });
});

test("canSteerSession judges, and sees the body; a session token does not open it", async (t) => {
  const { launcher } = t.context;
  const bodies: unknown[] = [];
  const server = await openServer(t, launcher, {
    getCurrentUser: ({ headers }) => headers.get("x-user"),
    canViewSession: ({ headers }) => headers.get("x-user") !== "stranger",
    canSteerSession: ({ headers, body }) => {
      bodies.push(body);
      return headers.get("x-user") === "ann";
    },
  });
  const { session_id: id, session_token: token } = await server.start({}, { "x-user": "ann" });
  await reached(launcher.getSession(id)!, "live");
  for (const [tail, method, json] of [
    ["/say", "POST", { text: "Hello" }],
    ["/respond", "POST", { instruction: script([{ text: "Hello" }]) }],
    ["/interrupt", "POST", undefined],
    ["", "PATCH", { instructions: "Be brief." }],
  ] as const) {
    const as = (user: string, query = "") =>
      server.ask(`/sessions/${id}${tail}${query}`, {
        method,
        headers: { "x-user": user },
        ...(json && { json }),
      });
    t.true((await as("ann")).status < 300, tail);
    t.is((await as("bob")).status, 403, tail);
    t.is((await as("stranger")).status, 404, tail);
    t.is((await as("bob", `?token=${token}`)).status, 403, tail);
    t.is((await as("stranger", `?token=${token}`)).status, 404, tail);
  }
  t.true(bodies.some((body) => JSON.stringify(body) === '{"text":"Hello"}'));
});

test("a caller who steers too often is told when to come back", async (t) => {
  const server = await openServer(t, t.context.launcher, { messagesPerSecond: 1 / 3_600, messageBurst: 1 });
  const { id } = await live(t.context.launcher, server);
  t.is((await server.ask(`/sessions/${id}/interrupt`, { method: "POST" })).status, 200);
  t.is((await server.ask(`/sessions/${id}/say`, { json: { text: "x" } })).status, 429);
});

test("any replica passes the request on to the one that has the session", async (t) => {
  t.timeout(120_000);
  const fleet = await openPair({ launcher: { agent: agentUrl("scripted") } });
  t.teardown(() => fleet.close());
  const { session_id } = await fleet.replicas[0].start({ call_id: "c9" });
  const { owner, foreign } = placesOf(fleet, session_id);
  const session = owner.launcher.getSession(session_id)!;
  await reached(session, "live");
  const { status, body } = await foreign.ask(`/sessions/${session_id}/say`, { json: { text: "From afar." } });
  t.is(status, 202);
  t.is(await saidIn(session, body.turn_id), "From afar.");
  const changed = await foreign.ask(`/sessions/${session_id}`, {
    method: "PATCH",
    json: { instructions: "x" },
  });
  t.is(changed.status, 200);
});
