import anyTest, { type TestFn } from "ava";
import { type AgentLauncher, type Dependency, HttpError, type ServeOptions } from "greenroom";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.after.always((t) => t.context.launcher.stop());

/** Options by which only the backend has a key; browsers have tokens. */
const guarded: ServeOptions = {
  getCurrentUser: ({ headers }) => {
    if (headers.get("x-key") !== "backend") throw new HttpError(401, "No key");
    return "backend";
  },
};
const name: Dependency<string | null> = ({ headers }) => headers.get("x-user");
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

test("it opens nothing that its starter may not do", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher, {
    getCurrentUser: ({ headers }) => headers.get("x-user"),
    canViewSession: async ({ resolve, session }) => (await resolve(name)) === session().createdBy,
    canSendMessage: async ({ resolve }) => (await resolve(name)) === "ann",
    canCloseSession: async ({ resolve }) => (await resolve(name)) === "ann",
  });
  for (const [who, allowed] of [
    ["ann", true],
    ["bob", false],
  ] as const) {
    const { session_id, session_token } = await start({ call_id: "c" }, { "x-user": who });
    for (const path of [`/sessions/${session_id}`, `/calls/c/sessions/${session_id}`]) {
      const token = `token=${session_token}`;
      t.is((await ask(`${path}?${token}`)).status, 200);
      t.is((await ask(`${path}/events?${token}`, { method: "HEAD" })).status, 200);
      const message = await ask(`${path}/messages?${token}`, { json: { text: "hello" } });
      t.is(message.status, allowed ? 202 : 403);
    }
    const closed = await ask(`/sessions/${session_id}/close?token=${session_token}`, { method: "POST" });
    t.is(closed.status, allowed ? 200 : 403);
  }
});

test("what is denied to everybody is denied to its bearer", async (t) => {
  for (const [option, status] of [
    ["canViewSession", 404],
    ["canSendMessage", 403],
    ["canCloseSession", 403],
  ] as const) {
    const { ask, start } = await openServer(t, t.context.launcher, { [option]: () => false });
    const { session_id, session_token } = await start();
    const path = `/sessions/${session_id}`;
    const answer = {
      canViewSession: () => ask(`${path}?token=${session_token}`),
      canSendMessage: () => ask(`${path}/messages?token=${session_token}`, { json: { text: "hello" } }),
      canCloseSession: () => ask(`${path}?token=${session_token}`, { method: "DELETE" }),
    };
    t.is((await answer[option]()).status, status, option);
  }
});

test("permissions judge each request of its bearer, as if its starter had sent it", async (t) => {
  let closed = false;
  const { ask, start } = await openServer(t, t.context.launcher, {
    canViewSession: ({ headers, cookies }) =>
      headers.get("authorization") === "Bearer ann" && cookies.get("tenant") === "t1",
    canSendMessage: ({ body, method }) => method === "POST" && !JSON.stringify(body).includes("forbidden"),
    canCloseSession: () => !closed,
  });
  const starter = { authorization: "Bearer ann", cookie: "tenant=t1" };
  const { session_id, session_token } = await start({}, starter);
  const path = `/sessions/${session_id}`;
  const token = `token=${session_token}`;
  t.is((await ask(path)).status, 404);
  t.is((await ask(`${path}?${token}`, { headers: { authorization: "Bearer bob" } })).status, 200);
  for (const [text, status] of [
    ["hello", 202],
    ["a forbidden word", 403],
    ["hello again", 202],
  ] as const) {
    t.is((await ask(`${path}/messages?${token}`, { json: { text } })).status, status, text);
  }
  closed = true;
  t.is((await ask(`${path}?${token}`, { method: "DELETE" })).status, 403);
  closed = false;
  t.is((await ask(`${path}?${token}`, { method: "DELETE" })).status, 204);
  const other = await start({}, { authorization: "Bearer bob" });
  t.is((await ask(`/sessions/${other.session_id}?token=${other.session_token}`)).status, 404);
});

test("it is good for longer than its starter's own credentials, and what those opened is not kept open", async (t) => {
  let expired = false;
  let open = 0;
  const claims: Dependency<{ role: string }> = ({ headers }) => {
    if (expired || headers.get("authorization") !== "Bearer short-lived") throw new HttpError(401, "Expired");
    return { role: "owner" };
  };
  const connection: Dependency<{ use(): boolean }> = ({ headers, defer }) => {
    headers.get("authorization");
    let given = true;
    open += 1;
    defer(() => {
      given = false;
      open -= 1;
    });
    return { use: () => given };
  };
  const { ask, start } = await openServer(t, t.context.launcher, {
    getCurrentUser: async ({ resolve }) => ({ id: (await resolve(claims)).role }),
    canStartSession: async ({ resolve }) => (await resolve(connection)).use(),
    canViewSession: async ({ resolve }) =>
      (await resolve(claims)).role === "owner" && (await resolve(connection)).use(),
  });
  const credentials = { authorization: "Bearer short-lived" };
  const { session_id, session_token } = await start({}, credentials);
  expired = true;
  t.is((await ask(`/sessions/${session_id}`, { headers: credentials })).status, 401);
  t.is((await ask(`/sessions/${session_id}?token=${session_token}`)).status, 200);
  t.is(open, 0);
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

test("a token has one spelling", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher, guarded);
  const { session_id, session_token } = await start({}, key);
  const text = String(session_token);
  t.is((await ask(`/sessions/${session_id}?token=${text}`)).status, 200);
  // 32 bytes are 43 letters of base64: the last one has two bits to spare.
  const bytes = Buffer.from(text, "base64url");
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const spellings = [
    ...[...alphabet].map((letter) => text.slice(0, -1) + letter).filter((other) => other !== text),
    bytes.toString("base64"),
    ...["=", "==", "%0A", " ", ".", "!"].flatMap((mark) => [text + mark, mark + text]),
    `${text.slice(0, 20)}%20${text.slice(20)}`,
  ];
  t.true(spellings.some((other) => Buffer.from(other, "base64url").equals(bytes)));
  for (const other of spellings) {
    t.is((await ask(`/sessions/${session_id}?token=${encodeURI(other)}`)).status, 401, other);
  }
});

test("it shows a code, never the text that the agent threw", async (t) => {
  const { ask, start, url } = await openServer(t, t.context.launcher, guarded);
  const { session_id, session_token } = await start({ config: { course: "throws" } }, key);
  await t.context.launcher.getSession(session_id)!.ended;
  for (const path of [`/sessions/${session_id}`, `/sessions/${session_id}/events`]) {
    const whole = await (await fetch(url + path, { headers: key })).text();
    t.true(whole.includes("the agent broke"), path);
    const shown = await (await fetch(`${url}${path}?token=${session_token}`)).text();
    t.false(shown.includes("the agent broke"), path);
    t.true(shown.includes('"error":{"name":"TypeError","message":"TypeError"}'), shown);
  }
  const message = { json: { text: "too late" } };
  const late = await ask(`/sessions/${session_id}/messages?token=${session_token}`, message);
  t.is(late.status, 404);
  t.false(late.text.includes("the agent broke"));
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
