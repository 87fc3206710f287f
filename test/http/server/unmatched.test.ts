import anyTest, { type TestFn } from "ava";
import type { AgentLauncher } from "greenroom";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

const test = anyTest as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher({ warmSessions: 1, maxConcurrentSessions: 1 });
});
test.after.always((t) => t.context.launcher.stop());

test("a path that there is not: 404 in JSON", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  for (const path of [
    "/nowhere",
    "/sessions/a/b/c",
    "/%",
    "/sessions/a%2Fb/metrics/x",
    "//nowhere",
    "/__proto__",
  ]) {
    const { status, headers, body } = await ask(path);
    t.is(status, 404, path);
    t.deepEqual(body, { detail: "Not found", code: "NOT_FOUND" });
    t.is(headers.get("content-type"), "application/json; charset=utf-8");
  }
});

test("a method that a path does not know: 405 with Allow", async (t) => {
  const { url } = await openServer(t, t.context.launcher);
  for (const [path, method, allow] of [
    ["/sessions", "DELETE", "HEAD, POST, GET, OPTIONS"],
    ["/sessions/x", "POST", "HEAD, GET, DELETE, OPTIONS"],
    ["/sessions/x/close", "GET", "POST, OPTIONS"],
    ["/sessions/x/messages", "PUT", "POST, OPTIONS"],
    ["/health", "POST", "HEAD, GET, OPTIONS"],
    ["/docs", "PATCH", "HEAD, GET, OPTIONS"],
  ] as const) {
    const response = await fetch(url + path, { method });
    t.is(response.status, 405);
    t.is(response.headers.get("allow"), allow);
    t.deepEqual(await response.json(), { detail: "Method not allowed", code: "METHOD_NOT_ALLOWED" });
  }
});

test("OPTIONS without an origin says what a path knows", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const { status, headers, text } = await ask("/sessions/x", { method: "OPTIONS" });
  t.deepEqual([status, headers.get("allow"), text], [204, "HEAD, GET, DELETE, OPTIONS", ""]);
});

test("HEAD is GET without a body", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  for (const path of ["/sessions", "/sessions/nobody", "/openapi.json", "/docs", "/metrics", "/nowhere"]) {
    const get = await ask(path);
    const head = await ask(path, { method: "HEAD" });
    t.is(head.status, get.status, path);
    t.is(head.text, "");
    t.is(head.headers.get("content-type"), get.headers.get("content-type"));
  }
});
