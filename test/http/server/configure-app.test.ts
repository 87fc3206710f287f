import Router from "@koa/router";
import anyTest, { type TestFn } from "ava";
import { type AgentLauncher, HttpError, type ServeOptions } from "greenroom";
import type Koa from "koa";
import { exposureText, namesText } from "../../../src/control-plane/access/origins.ts";
import { fillServeOptions } from "../../../src/control-plane/serve-options.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.after.always((t) => t.context.launcher.stop());

function configureApp(app: Koa): void {
  const router = new Router();
  router.get("/hello-world", (ctx) => {
    ctx.body = { hello: "world" };
  });
  router.get("/refuses", () => {
    throw new HttpError(402, "No money", { code: "NO_PLAN" });
  });
  router.get("/throws", (ctx) => ctx.throw(409, "Not now"));
  router.get("/breaks", () => {
    throw new Error("the password is 1234");
  });
  router.delete("/nothing", (ctx) => {
    ctx.status = 204;
  });
  app.use(router.routes());
}

test("routes are added to the application, and the API is what it was", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher, { configureApp });
  const hello = await ask("/hello-world");
  t.deepEqual([hello.status, hello.body], [200, { hello: "world" }]);
  t.truthy(hello.headers.get("x-request-id"));
  t.is((await ask("/nothing", { method: "DELETE" })).status, 204);
  const { session_id } = await start();
  t.is((await ask(`/sessions/${session_id}`)).status, 200);
  t.is((await ask("/sessions", { method: "PATCH" })).status, 405);
  const unknown = await ask("/nowhere");
  t.deepEqual([unknown.status, unknown.body], [404, { detail: "Not found", code: "NOT_FOUND" }]);
});

test("what they throw is answered as the errors of the API are", async (t) => {
  const { ask } = await openServer(t, t.context.launcher, { configureApp });
  for (const [path, status, body] of [
    ["/refuses", 402, { detail: "No money", code: "NO_PLAN" }],
    ["/throws", 409, { detail: "Not now", code: "CONFLICT" }],
    ["/breaks", 500, { detail: "Internal server error", code: "INTERNAL" }],
  ] as const) {
    const answer = await ask(path);
    t.deepEqual([answer.status, answer.body], [status, body]);
  }
});

test("they are behind the checks of Host and Origin, and CORS", async (t) => {
  const { ask } = await openServer(t, t.context.launcher, { configureApp });
  t.is((await ask("/hello-world", { headers: { origin: "https://evil.example" } })).status, 403);
  const named = { corsAllowOrigins: ["https://app.example"] };
  const open = await openServer(t, t.context.launcher, { configureApp, ...named });
  const { status, headers } = await open.ask("/hello-world", { headers: { origin: "https://app.example" } });
  t.deepEqual([status, headers.get("access-control-allow-origin")], [200, "https://app.example"]);
});

test("the start page may be one's own; else it leads to the page to talk, or to the documentation", async (t) => {
  const own = await openServer(t, t.context.launcher, {
    configureApp: async (app) => {
      app.use((ctx) => {
        if (ctx.path === "/") ctx.body = "mine";
      });
    },
  });
  t.is((await own.ask("/")).text, "mine");
  for (const [talkPage, target] of [
    ["local", "/talk"],
    ["never", "/docs"],
  ] as const) {
    const { url } = await openServer(t, t.context.launcher, { configureApp, talkPage });
    const home = await fetch(`${url}/`, { redirect: "manual" });
    t.is(home.headers.get("location"), target);
  }
});

test("an application of one's own is configured where it is made", (t) => {
  const app = { callback: () => () => undefined } as unknown as Koa;
  t.throws(() => fillServeOptions({ app, configureApp }), {
    message: /configureApp/,
    code: "INVALID_OPTIONS",
  });
});

const exposureWarning = (options?: ServeOptions) => exposureText(fillServeOptions(options));
const namesNotice = (options?: ServeOptions) => namesText(fillServeOptions(options));

test("options that are left out have their defaults", (t) => {
  const options = fillServeOptions();
  t.like(options, {
    host: "127.0.0.1",
    port: 8_000,
    metricsPort: null,
    corsAllowCredentials: false,
    sessionTokens: true,
    startsPerSecond: 50,
    timeouts: { headersMs: 10_000, requestMs: 30_000, keepAliveMs: 75_000, checkIntervalMs: 5_000 },
    authenticated: false,
  });
  t.true(fillServeOptions({ canSendMessage: () => true }).authenticated);
});

test("what is wrong is named", (t) => {
  for (const [options, message] of [
    [{ prot: 1 }, "prot: there is no such option: did you mean port?"],
    [{ timeouts: { headers: 1 } }, "timeouts.headers: there is no such option"],
    [{ getCurrentUser: "ann" }, "getCurrentUser: expected a function"],
    [{ app: {} }, "app: expected a Koa application"],
    [{ corsAllowOrigins: ["app.example"] }, /corsAllowOrigins\.0: "app\.example" is not an origin, such as/],
    [{ corsAllowOrigins: ["https://app.example/"] }, /is not an origin: write "https:\/\/app\.example"/],
    [{ sessionTokenSecret: "short" }, /sessionTokenSecret \(GREENROOM_SESSION_TOKEN_SECRET\): /],
    [{ startsPerSecond: 0 }, /startsPerSecond: /],
    [{ timeouts: { headersMs: 2_000, requestMs: 1_000 } }, /timeouts\.headersMs must not be longer/],
  ] as [ServeOptions, string | RegExp][]) {
    t.throws(() => fillServeOptions(options), { message, code: "INVALID_OPTIONS" });
  }
});

test("the secret of session tokens comes from the environment where the options have none", (t) => {
  process.env.GREENROOM_SESSION_TOKEN_SECRET = "from the environment, long enough";
  t.teardown(() => {
    delete process.env.GREENROOM_SESSION_TOKEN_SECRET;
  });
  t.is(fillServeOptions().sessionTokenSecret, "from the environment, long enough");
  t.is(fillServeOptions({ sessionTokenSecret: "x".repeat(32) }).sessionTokenSecret, "x".repeat(32));
});

test("a server that anybody may drive beyond this machine says so", (t) => {
  t.regex(exposureWarning({ host: "0.0.0.0" }) ?? "", /Anybody who can reach 0\.0\.0\.0 may start/);
  t.truthy(exposureWarning({ host: "::" }));
  t.truthy(exposureWarning({ host: "192.168.1.5", corsAllowOrigins: ["https://app.example"] }));
  for (const host of ["127.0.0.1", "127.1.2.3", "localhost", "::1"])
    t.is(exposureWarning({ host }), null, host);
  t.is(exposureWarning(), null);
  t.is(exposureWarning({ host: "0.0.0.0", canStartSession: () => true }), null);
});

test("names of the server are taken as people write them, and others are refused", (t) => {
  const written = ["Agents", "agents.example:8000", "https://x.ngrok.app/", "[::1]:80", "2001:db8::1", " b "];
  t.deepEqual(fillServeOptions({ allowedHosts: written }).allowedHosts, [
    "agents",
    "agents.example",
    "x.ngrok.app",
    "[::1]",
    "[2001:db8::1]",
    "b",
  ]);
  for (const wrong of ["", "a b", "a/b", "user@agents", "*"])
    t.throws(() => fillServeOptions({ allowedHosts: [wrong] }), {
      message: /allowedHosts\.0: .*not the name/,
    });
});

test("where nobody authenticates, the start says by which names it is called, and the flag that adds one", (t) => {
  t.regex(namesNotice() ?? "", /--allowed-hosts <name> \(GREENROOM_ALLOWED_HOSTS\)/);
  t.regex(namesNotice({ allowedHosts: ["agents"] }) ?? "", /localhost, agents\./);
  t.is(namesNotice({ getCurrentUser: () => "somebody" }), null);
  t.regex(namesNotice({ corsAllowOrigins: ["https://app.example"] }) ?? "", /--allowed-hosts/);
});
