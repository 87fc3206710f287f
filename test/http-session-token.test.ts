import anyTest, { type TestFn } from "ava";
import { type AgentLauncher, HttpError, type ServeOptions } from "greenroom";
import { openServer, startLauncher } from "./http-fixtures/open-server.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.after.always((t) => t.context.launcher.stop());

/** Only the backend has a key; browsers have tokens. */
const guarded: ServeOptions = {
  getCurrentUser: ({ headers }) => {
    if (headers.get("x-key") !== "backend") throw new HttpError(401, "No key");
    return "backend";
  },
};
const key = { "x-key": "backend" };

test("a token is good for viewing, events, messages and closing of its session", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher, guarded);
  const { session_id, session_token } = await start({}, key);
  const path = `/sessions/${session_id}`;
  const token = `token=${session_token}`;
  t.is((await ask(path)).status, 401);
  t.is((await ask(`${path}?${token}`)).status, 200);
  t.is((await ask(`${path}/messages?${token}`, { json: { text: "hello" } })).status, 202);
  t.is((await ask(`${path}/events?${token}`, { method: "HEAD" })).status, 200);
  t.is((await ask(`${path}/close?${token}`, { method: "POST", body: "bye" })).status, 200);
  const session = t.context.launcher.getSession(session_id)!;
  await session.ended;
  t.is(session.closeRequestedBy, "session_token");
  t.is((await ask(`${path}?${token}`)).body.end_reason, "closed");
});

test("it does not show what the backend told the agent, nor for whom", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher, guarded);
  const config = { prompt: "for the agent alone" };
  const { session_id, session_token } = await start({ call_id: "hers", config }, key);
  for (const path of [`/sessions/${session_id}`, `/calls/hers/sessions/${session_id}`]) {
    t.like((await ask(`${path}?token=${session_token}`)).body, {
      session_id,
      config: null,
      created_by: null,
    });
    t.like((await ask(path, { headers: key })).body, { config, created_by: "backend" });
  }
});

test("it is good for nothing else: not for metrics, lists, starts or another session", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher, guarded);
  const one = await start({}, key);
  const other = await start({}, key);
  const token = `token=${one.session_token}`;
  for (const path of [
    `/sessions/${one.session_id}/metrics?${token}`,
    `/sessions?${token}`,
    `/sessions/${other.session_id}?${token}`,
    `/sessions/${other.session_id}/events?${token}`,
    `/sessions/nobody?${token}`,
  ]) {
    t.is((await ask(path)).status, 401, path);
  }
  t.is((await ask(`/sessions?${token}`, { json: { call_id: "c" } })).status, 401);
  t.is((await ask(`/sessions/${other.session_id}?${token}`, { method: "DELETE" })).status, 401);
});

test("a token that was tampered with is none", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher, guarded);
  const { session_id, session_token } = await start({}, key);
  for (const token of [
    "",
    "x",
    session_token.slice(1),
    `${session_token}AAAA`,
    session_token.toUpperCase(),
    "%00",
    "ä",
  ]) {
    t.is((await ask(`/sessions/${session_id}?token=${token}`)).status, 401, token);
  }
});

test("servers with the same secret know each other's tokens, others do not", async (t) => {
  const secret = { sessionTokenSecret: "x".repeat(32) };
  const first = await openServer(t, t.context.launcher, { ...guarded, ...secret });
  const second = await openServer(t, t.context.launcher, { ...guarded, ...secret });
  const stranger = await openServer(t, t.context.launcher, guarded);
  const { session_id, session_token } = await first.start({}, key);
  const path = `/sessions/${session_id}?token=${session_token}`;
  t.is((await second.ask(path)).status, 200);
  t.is((await stranger.ask(path)).status, 401);
});

test("tokens can be turned off", async (t) => {
  const secret = { sessionTokenSecret: "x".repeat(32) };
  const on = await openServer(t, t.context.launcher, { ...guarded, ...secret });
  const off = await openServer(t, t.context.launcher, { ...guarded, ...secret, sessionTokens: false });
  const { session_id, session_token } = await on.start({}, key);
  t.is((await off.start({}, key)).session_token, null);
  t.is((await off.ask(`/sessions/${session_id}?token=${session_token}`)).status, 401);
});
