import anyTest, { type ExecutionContext, type TestFn } from "ava";
import {
  type AgentLauncher,
  type Dependency,
  HttpError,
  type JsonValue,
  type Scope,
  type ServeOptions,
} from "greenroom";
import { z } from "zod";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.after.always((t) => t.context.launcher.stop());

const open = (t: ExecutionContext<{ launcher: AgentLauncher }>, options: ServeOptions) =>
  openServer(t, t.context.launcher, options);

const user: Dependency<string> = ({ headers }) => {
  const name = headers.get("x-user");
  if (name === null) throw new HttpError(401, "Who are you?", { headers: { "WWW-Authenticate": "Basic" } });
  return name;
};
const as = (name: string) => ({ "x-user": name });

test("the value of getCurrentUser is the session's created_by", async (t) => {
  const value = { id: 7, tags: ["a"], since: new Date(0), nothing: undefined };
  const { ask, start } = await open(t, { getCurrentUser: () => value });
  const { session_id } = await start();
  t.deepEqual((await ask(`/sessions/${session_id}`)).body.created_by, {
    id: 7,
    tags: ["a"],
    since: "1970-01-01T00:00:00.000Z",
  });
});

test("a caller that nobody knows gets what getCurrentUser throws, whatever they ask for", async (t) => {
  const { ask, start } = await open(t, { getCurrentUser: user });
  const { session_id } = await start({}, as("ann"));
  for (const [path, method] of [
    ["/sessions", "GET"],
    [`/sessions/${session_id}`, "GET"],
    ["/sessions/nobody", "GET"],
    [`/sessions/${session_id}`, "DELETE"],
    [`/sessions/${session_id}/close`, "POST"],
    [`/sessions/${session_id}/metrics`, "GET"],
    [`/sessions/${session_id}/events`, "GET"],
    ["/sessions", "POST"],
    [`/sessions/${session_id}/messages`, "POST"],
    [`/sessions/${session_id}/join-token`, "POST"],
    ["/calls/c/sessions", "POST"],
  ] as const) {
    const { status, headers, body } = await ask(path, { method });
    t.is(status, 401, `${method} ${path}`);
    t.deepEqual(body, { detail: "Who are you?", code: "UNAUTHORIZED" });
    t.is(headers.get("www-authenticate"), "Basic");
  }
  const malformed = await ask("/sessions", { body: "{", headers: { "content-type": "application/json" } });
  t.is(malformed.status, 401);
});

test("a user that is too large to be kept is denied, and why", async (t) => {
  const { ask } = await open(t, { getCurrentUser: () => ({ claims: "x".repeat(4_096) }) });
  const { status, body } = await ask("/sessions", { json: { call_id: "c" } });
  t.is(status, 403);
  t.is(body.code, "FORBIDDEN");
  t.false(JSON.stringify(body).includes("xxx"));
});

test("a user that is no JSON is the server's mistake: 500 without a word of it", async (t) => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  for (const value of [cyclic, 1n, () => 1]) {
    const { ask } = await open(t, { getCurrentUser: () => value });
    const { status, text } = await ask("/sessions", { json: { call_id: "c" } });
    t.is(status, 500);
    t.is(text, '{"detail":"Internal server error","code":"INTERNAL"}');
  }
});

test("false and null deny, everything else allows, and what is thrown is the answer", async (t) => {
  const answerOf = async (verdict: () => unknown) => {
    const { ask } = await open(t, { canStartSession: verdict });
    return ask("/sessions", { json: { call_id: "c" } });
  };
  for (const verdict of [false, null]) {
    const { status, body } = await answerOf(() => verdict);
    t.is(status, 403);
    t.is(body.code, "FORBIDDEN");
  }
  for (const verdict of [true, undefined, { id: 1 }]) t.is((await answerOf(async () => verdict)).status, 201);
  const thrown = await answerOf(async () => {
    throw new HttpError(402, { plan: "free" }, { code: "NO_PLAN", headers: { "X-Plan": "free" } });
  }).catch((error: Error) => error.message);
  t.regex(String(thrown), /402 is not documented: \{"detail":\{"plan":"free"\},"code":"NO_PLAN"\}/);
  const invalid = await answerOf(({ body }: { body?: unknown } = {}) =>
    z.object({ seats: z.number() }).parse(body ?? {}),
  );
  t.is(invalid.status, 422);
  t.deepEqual(invalid.body.detail[0].loc, ["seats"]);
  const broken = await answerOf(() => {
    throw new Error("the database password is 1234");
  });
  t.is(broken.status, 500);
  t.notRegex(broken.text, /1234/);
  t.is((await answerOf(() => Promise.reject("only text"))).status, 500);
  t.is((await answerOf(() => Promise.reject(undefined))).status, 500);
});

test("canStartSession sees the complete request, wherever its parts came from", async (t) => {
  const seen: unknown[] = [];
  const { ask } = await open(t, { canStartSession: ({ body, params }) => void seen.push(body, params) });
  await ask("/sessions", { json: { call_id: "one", more: 1 } });
  await ask("/calls/two/sessions", { json: { config: { a: 1 } } });
  t.deepEqual(seen, [
    { call_id: "one", call_type: "default", config: {} },
    {},
    { call_id: "two", call_type: "default", config: { a: 1 } },
    { call_id: "two" },
  ]);
});

test("who may not view gets the very 404 of a session that does not exist, whatever they try", async (t) => {
  const { ask, start } = await open(t, {
    getCurrentUser: user,
    canViewSession: async (scope) => (await scope.resolve(user)) === scope.session().createdBy,
    // One that says no, one that throws, one that asks for the session; the others are as canViewSession.
    canSendMessage: () => false,
    canJoinCall: () => {
      throw new HttpError(403, "Not for you");
    },
    canViewMetrics: (scope) => scope.session().config.open === true,
  });
  const { session_id } = await start({ call_id: "hers" }, as("ann"));
  const ended = await start({ call_id: "over" }, as("ann"));
  await ask(`/sessions/${ended.session_id}?wait=true`, { method: "DELETE", headers: as("ann") });
  t.is((await ask(`/sessions/${ended.session_id}`, { headers: as("ann") })).body.end_reason, "closed");
  const shape = (headers: Headers) => [...headers.keys()].filter((name) => name !== "x-request-id");
  for (const [tail, method] of [
    ["", "GET"],
    ["", "DELETE"],
    ["/close", "POST"],
    ["/metrics", "GET"],
    ["/events", "GET"],
    ["/messages", "POST"],
    ["/join-token", "POST"],
  ] as const) {
    for (const prefix of ["/sessions", "/calls/hers/sessions"]) {
      const request = {
        method,
        headers: as("bob"),
        ...(tail === "/messages" ? { json: { text: "hello" } } : {}),
      };
      const unknown = await ask(`${prefix}/00000000-0000-0000-0000-000000000000${tail}`, request);
      for (const id of [session_id, ended.session_id]) {
        const { status, text, headers } = await ask(`${prefix}/${id}${tail}`, request);
        t.is(status, 404);
        t.is(text, unknown.text.replace("00000000-0000-0000-0000-000000000000", id));
        t.deepEqual(shape(headers), shape(unknown.headers));
      }
    }
  }
  t.is(t.context.launcher.getSession(session_id)?.endReason, null);
});

test("permissions do not hang on each other: who may not view may close, write, join and measure all the same", async (t) => {
  const allowed = { canCloseSession: () => true, canSendMessage: () => true } as const;
  const { ask, start } = await open(t, {
    getCurrentUser: user,
    canViewSession: async (scope) => (await scope.resolve(user)) === scope.session().createdBy,
    canViewMetrics: () => true,
    canJoinCall: () => true,
    ...allowed,
  });
  const { session_id } = await start({ call_id: "c1" }, as("ann"));
  for (const path of [`/sessions/${session_id}`, `/calls/c1/sessions/${session_id}`]) {
    const bob = { headers: as("bob") };
    t.is((await ask(path, bob)).status, 404);
    t.is((await ask(`${path}/events`, bob)).status, 404);
    t.is((await ask(`${path}/metrics`, bob)).status, 200);
    t.is((await ask(`${path}/messages`, { json: { text: "hello" }, ...bob })).status, 202);
    // A call in which participants only type has no tokens.
    t.is((await ask(`${path}/join-token`, { method: "POST", ...bob })).status, 409);
  }
  t.is((await ask("/sessions", { headers: as("bob") })).body.sessions.length, 0);
  const closed = await ask(`/sessions/${session_id}?wait=true`, { method: "DELETE", headers: as("bob") });
  t.is(closed.status, 204);
  const { config, createdBy } = t.context.launcher.getSession(session_id)!;
  t.deepEqual([config, createdBy], [{}, "ann"]);
  // Why it ended is for those who may view it.
  for (const path of [`/sessions/${session_id}`, `/calls/c1/sessions/${session_id}`]) {
    const again = await ask(path, { method: "DELETE", headers: as("bob") });
    t.deepEqual(
      [again.status, again.body],
      [404, { detail: `Session with id '${session_id}' not found`, code: "SESSION_NOT_FOUND" }],
    );
    t.is((await ask(path, { method: "DELETE", headers: as("ann") })).body.end_reason, "closed");
  }
});

test("who may view, and is denied something, gets 403 whether there is such a session or not", async (t) => {
  const denied = () => {
    throw new HttpError(403, "Not for you");
  };
  const { ask, start } = await open(t, {
    canCloseSession: denied,
    canViewMetrics: denied,
    canSendMessage: denied,
    canJoinCall: denied,
    canSteerSession: denied,
  });
  const { session_id } = await start({ call_id: "c1" });
  for (const id of [session_id, "some-id"]) {
    for (const prefix of ["/sessions", "/calls/c1/sessions"]) {
      for (const [tail, method] of [
        ["", "DELETE"],
        ["/close", "POST"],
        ["/metrics", "GET"],
        ["/messages", "POST"],
        ["/join-token", "POST"],
        ["/say", "POST"],
        ["/respond", "POST"],
        ["/interrupt", "POST"],
        ["", "PATCH"],
      ] as const) {
        const { status, body } = await ask(`${prefix}/${id}${tail}`, { method });
        t.deepEqual([status, body.detail], [403, "Not for you"], `${method} ${prefix}/…${tail}`);
      }
    }
  }
});

test("what has no callback of its own is for those who may view", async (t) => {
  const { ask, start } = await open(t, {
    canViewSession: (scope) => scope.headers.get("x-user") === "ann",
  });
  const { session_id } = await start({}, as("ann"));
  const tails = {
    "": "DELETE",
    "/metrics": "GET",
    "/messages": "POST",
    "/join-token": "POST",
    "/say": "POST",
  };
  for (const [tail, method] of Object.entries(tails)) {
    const path = `/sessions/${session_id}${tail}`;
    t.is((await ask(path, { method, headers: as("bob") })).status, 404, path);
  }
  t.is((await ask(`/sessions/${session_id}`, { method: "DELETE", headers: as("ann") })).status, 204);
});

test("an error of the callback does not tell a session from none", async (t) => {
  const { ask, start } = await open(t, {
    canViewSession: ({ session }) => {
      throw new HttpError(403, `not for you${typeof session}`);
    },
  });
  const { session_id } = await start();
  const known = await ask(`/sessions/${session_id}`);
  const unknown = await ask("/sessions/nobody");
  t.is(known.status, 403);
  t.deepEqual(known.body, unknown.body);
});

test("each deed has a callback of its own", async (t) => {
  const denied = new Set<string>();
  const judge = (name: string) => () => !denied.has(name);
  const { ask, start } = await open(t, {
    canCloseSession: judge("close"),
    canViewMetrics: judge("metrics"),
    canSendMessage: judge("message"),
    canJoinCall: judge("join"),
    canSteerSession: judge("steer"),
  });
  const { session_id } = await start();
  const deeds = {
    metrics: () => ask(`/sessions/${session_id}/metrics`),
    message: () => ask(`/sessions/${session_id}/messages`, { json: { text: "hello" } }),
    join: () => ask(`/sessions/${session_id}/join-token`, { method: "POST" }),
    steer: () => ask(`/sessions/${session_id}/interrupt`, { method: "POST" }),
    close: () => ask(`/sessions/${session_id}/close`, { method: "POST" }),
  };
  for (const [name, deed] of Object.entries(deeds)) {
    denied.add(name);
    const { status, body } = await deed();
    t.is(status, 403);
    t.is(body.code, "FORBIDDEN");
    denied.delete(name);
    // A call in which participants only type has no tokens.
    const admitted = await deed();
    t.true(admitted.status < 300 || admitted.status === 409);
  }
});

test("who asked for a close is kept in short text", async (t) => {
  const users: [JsonValue, string][] = [
    ["ann", "ann"],
    [{ id: "u1", name: "Ann" }, "u1"],
    [{ sub: 12 }, "12"],
    [{ name: "x".repeat(300) }, `{"name":"${"x".repeat(118)}…`],
    [null, "api"],
  ];
  for (const [value, text] of users) {
    const { ask, start } = await open(t, { getCurrentUser: () => value });
    const { session_id } = await start();
    await ask(`/sessions/${session_id}?wait=true`, { method: "DELETE" });
    t.is(t.context.launcher.getSession(session_id)?.closeRequestedBy, text);
  }
});

test("a chain of dependencies runs each once a request, even at the same time", async (t) => {
  const runs: string[] = [];
  const connection: Dependency<string> = async () => {
    runs.push("connection");
    return "connection";
  };
  const account: Dependency<string> = async (scope) => {
    runs.push("account");
    return `account by ${await scope.resolve(connection)}`;
  };
  const plan: Dependency<string> = async (scope) => {
    runs.push("plan");
    return `plan by ${await scope.resolve(connection)}`;
  };
  const both: Dependency<boolean> = async (scope) => {
    const [a, p] = await Promise.all([scope.resolve(account), scope.resolve(plan)]);
    return a === "account by connection" && p === "plan by connection";
  };
  const { start } = await open(t, {
    getCurrentUser: (scope) => scope.resolve(account),
    canStartSession: async (scope) => (await scope.resolve(both)) && (await scope.resolve(both)),
  });
  await start();
  t.deepEqual(runs.toSorted(), ["account", "connection", "plan"]);
  await start();
  t.is(runs.length, 6);
});

test("what is deferred runs when the request ends, the last one first, errors included", async (t) => {
  const released: string[] = [];
  const connection: Dependency<string> = ({ defer }) => {
    defer(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      released.push("connection");
    });
    return "connection";
  };
  let fails = false;
  const { ask } = await open(t, {
    canStartSession: async (scope) => {
      await scope.resolve(connection);
      scope.defer(() => {
        released.push("transaction");
        throw new Error("a release that fails stops nobody");
      });
      if (fails) throw new Error("no");
    },
  });
  t.is((await ask("/sessions", { json: { call_id: "c" } })).status, 201);
  t.deepEqual(released, ["transaction", "connection"]);
  fails = true;
  t.is((await ask("/sessions", { json: { call_id: "c" } })).status, 500);
  t.deepEqual(released, ["transaction", "connection", "transaction", "connection"]);
});

test("a dependency whose failure nobody waits for ends no process", async (t) => {
  const failing: Dependency<never> = async () => {
    throw new Error("not waited for");
  };
  const { start } = await open(t, {
    canStartSession: (scope) => {
      void scope.resolve(failing);
      return true;
    },
  });
  t.truthy((await start()).session_id);
});

test("a callback that never answers is not waited for longer than it may take", async (t) => {
  const { ask } = await open(t, { permissionTimeoutMs: 50, getCurrentUser: () => new Promise(() => {}) });
  const { status, headers, body } = await ask("/sessions");
  t.is(status, 503);
  t.is(body.code, "PERMISSION_TIMEOUT");
  t.truthy(headers.get("retry-after"));
});

test("what is deferred after the request, because nobody waited any more, runs all the same", async (t) => {
  const gate = Promise.withResolvers<void>();
  const released = Promise.withResolvers<string>();
  const { ask } = await open(t, {
    permissionTimeoutMs: 50,
    getCurrentUser: async ({ defer }) => {
      await gate.promise;
      defer(() => released.resolve("released"));
    },
  });
  t.is((await ask("/sessions")).status, 503);
  gate.resolve();
  t.is(await released.promise, "released");
});

test("a scope reads headers, query, cookies and parameters", async (t) => {
  let seen: unknown;
  const { ask } = await open(t, {
    getCurrentUser: ({ method, path, headers, query, cookies, params, ip }: Scope) => {
      seen = {
        method,
        path,
        header: headers.get("X-Thing"),
        query: query.getAll("a"),
        cookies: [cookies.get("plain"), cookies.get("coded"), cookies.get("none")],
        params,
        ip,
      };
    },
  });
  await ask("/calls/the%20call/sessions/s?a=1&a=2", {
    headers: { "x-thing": "ä".normalize("NFC"), cookie: 'plain="one"; coded=%C3%A4; broken=%' },
  });
  t.deepEqual(seen, {
    method: "GET",
    path: "/calls/the%20call/sessions/s",
    header: "ä",
    query: ["1", "2"],
    cookies: ["one", "ä", undefined],
    params: { call_id: "the call", session_id: "s" },
    ip: "127.0.0.1",
  });
});

test("a scope may be taken apart", async (t) => {
  const name: Dependency<string> = ({ headers }) => headers.get("x-user") ?? "";
  const { ask, start } = await open(t, {
    getCurrentUser: ({ resolve }) => resolve(name),
    canViewSession: async ({ resolve, session }) => (await resolve(name)) === session().createdBy,
  });
  const { session_id } = await start({}, as("ann"));
  t.is((await ask(`/sessions/${session_id}`, { headers: as("ann") })).status, 200);
  t.is((await ask(`/sessions/${session_id}`, { headers: as("bob") })).status, 404);
});

test("a session that is asked for where there can be none is the callback's mistake", async (t) => {
  const { ask } = await open(t, { getCurrentUser: ({ session }) => session().createdBy });
  t.is((await ask("/sessions")).status, 500);
  t.is((await ask("/sessions/nobody")).status, 404);
});
