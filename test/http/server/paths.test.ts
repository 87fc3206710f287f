import { once } from "node:events";
import { connect } from "node:net";
import anyTest, { type TestFn } from "ava";
import type { AgentLauncher } from "greenroom";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.after.always((t) => t.context.launcher.stop());

/** Sends a request as it is: a client of HTTP would tidy the path up. Returns the status. */
async function raw(port: number, line: string, body = ""): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  socket.end(
    `${line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n` +
      (body ? `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}` : "\r\n"),
  );
  let text = "";
  socket.on("data", (chunk) => {
    text += String(chunk);
  });
  await once(socket, "close");
  return Number(text.split(" ")[1]);
}

test("a path is spelt in one way", async (t) => {
  const { port } = await openServer(t, t.context.launcher);
  const { id } = await t.context.launcher.startSession({ callId: "spelt" });
  t.is(await raw(port, `GET /sessions/${id}`), 200);
  for (const path of [
    `/Sessions/${id}`,
    `/SESSIONS/${id}`,
    `/%73essions/${id}`,
    `/sessions/${id.toUpperCase()}x`,
    `/calls/../sessions/${id}`,
    `/./sessions/${id}`,
    `//sessions/${id}`,
    `/sessions//${id}`,
    `/sessions\\${id}`,
    "/Metrics",
    "/HEALTH",
    "/Openapi.json",
  ]) {
    t.is(await raw(port, `GET ${path}`), 404, path);
  }
  t.is(await raw(port, `DELETE /Sessions/${id}`), 404);
  t.is(t.context.launcher.getSession(id)?.endReason, null);
});

for (const segment of [".", "..", "%2e", "%2E%2e", ".%2e", "a%2Fb", "%2F", "%2e%2e%2f", "%00", "a%0d%0ab"]) {
  test(`${segment} is no call id in a path`, async (t) => {
    const { port } = await openServer(t, t.context.launcher);
    for (const [line, body] of [
      [`POST /calls/${segment}/sessions`, "{}"],
      [`GET /calls/${segment}/sessions`, ""],
      [`DELETE /calls/${segment}/sessions`, ""],
    ] as const) {
      t.is(await raw(port, line, body), 422, line);
    }
  });
}

test("nor are such texts a call id or a call type in a body, and dots among other letters are", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  for (const text of [".", "..", "", "a/b", "../x", "/", "\u0000"]) {
    for (const json of [{ call_id: text }, { call_id: "c", call_type: text }]) {
      t.is((await ask("/sessions", { json })).status, 422, JSON.stringify(json));
    }
  }
  for (const call_id of ["...", "a..b", ".a", "v1.2"]) t.is((await start({ call_id })).call_id, call_id);
});

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
    ["/sessions/x", "POST", "HEAD, GET, DELETE, PATCH, OPTIONS"],
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
  t.deepEqual([status, headers.get("allow"), text], [204, "HEAD, GET, DELETE, PATCH, OPTIONS", ""]);
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
