import { type RequestListener, request } from "node:http";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { type AgentLauncher, routes, type ServeOptions } from "greenroom";
import Koa from "koa";
import { koaBody } from "koa-body";
import { EventReader } from "../../fixtures/http/event-reader.ts";
import { openPair } from "../../fixtures/http/open-fleet.ts";
import { listen, startLauncher } from "../../fixtures/http/open-server.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.after.always((t) => t.context.launcher.stop());

/** Serves an application that somebody else configures. */
function serveForeign(
  t: ExecutionContext<{ launcher: AgentLauncher }>,
  build: (app: Koa, mounted: Koa.Middleware) => void,
  options: ServeOptions = {},
) {
  const app = new Koa();
  app.silent = true;
  build(app, routes(t.context.launcher, options));
  return listen(t, app.callback() as RequestListener);
}

/** fetch sets Host itself. */
function sendRaw(port: number, headers: Record<string, string>): Promise<{ readonly status: number }> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: "127.0.0.1", path: "/sessions", headers }, (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode ?? 0 });
    });
    sent.on("error", reject).end();
  });
}

test("mounted in a bare application, the API works as in its own", async (t) => {
  const { url, ask, start } = await serveForeign(t, (app, mounted) => app.use(mounted));
  const { session_id } = await start({ call_id: "foreign" });
  const path = `/sessions/${session_id}`;
  t.is((await ask(path)).status, 200);
  t.is((await ask(`${path}/metrics`)).status, 200);
  t.is((await ask(`${path}/messages`, { json: { text: "hello" } })).status, 202);
  t.is((await ask(`/calls/foreign${path}`)).status, 200);
  t.is((await ask("/sessions?call_id=foreign")).body.sessions.length, 1);
  t.is((await ask("/health")).status, 200);
  t.is((await ask("/openapi.json")).body.openapi, "3.1.0");
  const reader = await EventReader.open(t, `${url}${path}/events`);
  await reader.until(({ event }) => event === "turn");
  t.is((await ask(path, { method: "DELETE" })).status, 204);
  t.is((await reader.rest()).at(-1)!.event, "end");
});

test("mounted below a path, behind a body parser, replicas pass requests on to each other", async (t) => {
  const fleet = await openPair({
    app: (launcher, options) => {
      const app = new Koa();
      const mounted = routes(launcher, options);
      app.use(koaBody({ parsedMethods: ["POST", "DELETE"] } as never));
      app.use((ctx, next) => {
        if (!ctx.path.startsWith("/agents/")) return next();
        ctx.path = ctx.path.slice("/agents".length);
        return mounted(ctx, next);
      });
      return app;
    },
    launcher: { maxConcurrentSessions: 1 },
  });
  t.teardown(() => fleet.close());
  const [{ ask }] = fleet.replicas;
  const started = [];
  for (const call_id of ["one", "two"]) started.push(await ask("/agents/sessions", { json: { call_id } }));
  t.deepEqual(
    started.map(({ status }) => status),
    [201, 201],
  );
  t.is((await ask("/agents/sessions")).body.sessions.length, 2);
  for (const { body } of started) {
    const path = `/agents/sessions/${body.session_id}`;
    t.is((await ask(`${path}/messages`, { json: { text: "hello" } })).status, 202);
    t.is((await ask(`${path}?wait=true`, { method: "DELETE" })).status, 204);
  }
});

test("it brings its own errors, body parsing and request ids", async (t) => {
  const { ask } = await serveForeign(t, (app, mounted) => app.use(mounted), {
    canStartSession: () => {
      throw new Error("not for you");
    },
  });
  const malformed = await ask("/sessions", { body: "{", headers: { "content-type": "application/json" } });
  t.is(malformed.status, 422);
  t.is((await ask("/sessions", { body: "x", headers: { "content-type": "text/plain" } })).status, 415);
  const broken = await ask("/sessions", { json: { call_id: "c" } });
  t.deepEqual([broken.status, broken.body.code], [500, "INTERNAL"]);
  t.truthy(broken.headers.get("x-request-id"));
});

test("what it does not know is the application's: paths, and methods that the application answers", async (t) => {
  const { ask } = await serveForeign(t, (app, mounted) => {
    app.use(async (ctx, next) => {
      await next();
      ctx.set("X-Application", "foreign");
    });
    app.use(mounted);
    app.use((ctx) => {
      if (ctx.path === "/own") ctx.body = "own";
      if (ctx.path === "/sessions" && ctx.method === "PUT") ctx.body = "put";
    });
  });
  const own = await ask("/own");
  t.deepEqual(
    [own.text, own.headers.get("x-application"), own.headers.get("x-request-id")],
    ["own", "foreign", null],
  );
  t.is((await ask("/sessions", { method: "PUT" })).text, "put");
  t.is((await ask("/nowhere")).text, "Not Found");
  const refused = await ask("/sessions", { method: "PATCH" });
  t.is(refused.status, 405);
  t.is(refused.body.code, "METHOD_NOT_ALLOWED");
  t.is(refused.headers.get("allow"), "HEAD, POST, GET, OPTIONS");
  t.is((await ask("/sessions")).headers.get("x-application"), "foreign");
});

test("nobody's page and no unknown name can drive it there either, and the application's own paths are its own", async (t) => {
  const { ask } = await serveForeign(t, (app, mounted) => {
    app.use(mounted);
    app.use((ctx) => {
      ctx.body = "own";
    });
  });
  const evil = { headers: { origin: "https://evil.example" } };
  for (const [path, method] of [
    ["/sessions", "GET"],
    ["/sessions", "POST"],
    ["/metrics", "GET"],
    ["/docs", "GET"],
  ] as const) {
    const { status, headers, body } = await ask(path, { method, ...evil });
    t.is(status, 403, path);
    t.regex(body.detail, /--cors-allow-origins https:\/\/evil\.example/);
    t.is(headers.get("access-control-allow-origin"), null);
  }
  t.is((await ask("/health", evil)).status, 200);
  t.is((await ask("/elsewhere", evil)).text, "own");
});

test("mounted, it is called by the names and pages that its options know", async (t) => {
  const closed = await serveForeign(t, (app, mounted) => app.use(mounted), {
    allowedHosts: ["agents.example"],
  });
  const open = await serveForeign(t, (app, mounted) => app.use(mounted), {
    corsAllowOrigins: ["https://app.example"],
    allowedHosts: ["any.example"],
  });
  const authenticated = await serveForeign(t, (app, mounted) => app.use(mounted), {
    getCurrentUser: () => "somebody",
  });
  const status = async (port: number, headers: Record<string, string>) =>
    (await sendRaw(port, headers)).status;
  t.is(await status(closed.port, { host: "agents.example:8000" }), 200);
  t.is(await status(closed.port, { host: "rebound.example" }), 403);
  t.is(await status(open.port, { host: "any.example", origin: "https://app.example" }), 200);
  t.is(await status(open.port, { host: "any.example", origin: "https://evil.example" }), 403);
  t.is(await status(open.port, { host: "rebound.example", origin: "https://app.example" }), 403);
  t.is(await status(authenticated.port, { host: "any.example", origin: "https://any.example" }), 200);
});

test("options that are wrong are named", async (t) => {
  const mounted = routes(t.context.launcher, { corsAllowCredentials: true, corsAllowOrigins: ["*"] });
  await t.throwsAsync(mounted.ready(), { message: /corsAllowCredentials/ });
});
