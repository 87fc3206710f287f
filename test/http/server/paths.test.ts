import { once } from "node:events";
import { connect } from "node:net";
import anyTest from "ava";
import type { AgentLauncher } from "greenroom";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

const test = anyTest.serial;
let launcher: AgentLauncher;

test.before(async () => {
  launcher = await startLauncher({ warmSessions: 1 });
});
test.after.always(() => launcher.stop());

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
  const { port } = await openServer(t, launcher);
  const { id } = await launcher.startSession({ callId: "spelt" });
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
  t.is(launcher.getSession(id)?.endReason, null);
});

for (const segment of [".", "..", "%2e", "%2E%2e", ".%2e", "a%2Fb", "%2F", "%2e%2e%2f", "%00", "a%0d%0ab"]) {
  test(`${segment} is no call id in a path`, async (t) => {
    const { port } = await openServer(t, launcher);
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
  const { ask, start } = await openServer(t, launcher);
  for (const text of [".", "..", "", "a/b", "../x", "/", "\u0000"]) {
    for (const json of [{ call_id: text }, { call_id: "c", call_type: text }]) {
      t.is((await ask("/sessions", { json })).status, 422, JSON.stringify(json));
    }
  }
  for (const call_id of ["...", "a..b", ".a", "v1.2"]) t.is((await start({ call_id })).call_id, call_id);
});
