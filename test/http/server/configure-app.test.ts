import Router from "@koa/router";
import anyTest, { type TestFn } from "ava";
import { type AgentLauncher, HttpError } from "greenroom";
import type Koa from "koa";
import { fillServeOptions } from "../../../src/control-plane/serve-options.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher({ warmSessions: 1 });
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
