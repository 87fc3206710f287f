import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import test from "ava";
import { deriveConnections } from "../../src/runner/server/connection-limit.ts";
import { eventually } from "../fixtures/eventually.ts";
import { agentProgram, Child } from "../fixtures/runner/child.ts";
import { ask } from "../fixtures/runner/rest.ts";

test("connections get what sessions leave, and a quarter at the least", (t) => {
  t.deepEqual(deriveConnections(20_000, 40), { connections: 19_136, warning: null });
  t.is(deriveConnections(1_024, 20).connections, 560);
  t.is(deriveConnections(1_024, 20).warning, null);
  t.is(deriveConnections(256, 20).connections, 64);
  t.regex(deriveConnections(256, 20).warning ?? "", /^The limit of open files is low.*256.*64 connections/);
});

/** Over one connection that is kept as long as the server keeps it. */
async function post(agent: Agent, url: string, body: object): Promise<{ status: number; body: string }> {
  const sent = request(`${url}/sessions`, {
    agent,
    method: "POST",
    headers: { "Content-Type": "application/json" },
  });
  sent.end(JSON.stringify(body));
  const [response] = await once(sent, "response");
  return { status: response.statusCode, body: await text(response) };
}

test("more connections than open files are allowed harm neither sessions nor starts", async (t) => {
  const options = { launcher: { maxConcurrentSessions: 4, ignoreLoad: true }, runner: { port: 0 } };
  const child = new Child(t, ["-c", `ulimit -n 256 && exec "${process.execPath}" "${agentProgram}" serve`], {
    command: "sh",
    env: { TEST_OPTIONS: JSON.stringify(options) },
  });
  const url = await child.readyUrl();
  const warned = await child.logged(/^The limit of open files is low/);
  t.like(warned, { level: 40, open_files: 256, max_connections: 112 });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  t.is((await post(agent, url, { call_id: "before" })).status, 201);

  const { port } = new URL(url);
  const sockets: Socket[] = [];
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  let refused = 0;
  for (let opened = 0; opened < 300; opened += 1) {
    const socket = connect(Number(port), "127.0.0.1");
    socket
      .on("error", () => undefined)
      .once("close", () => {
        refused += 1;
      });
    sockets.push(socket.resume());
  }
  await eventually("those beyond the limit are closed", () => refused >= 300 - 112);
  const during = await post(agent, url, { call_id: "during" });
  t.is(during.status, 201, during.body);
  for (const socket of sockets) socket.destroy();
  await eventually("others get in again", async () => {
    const answer = await ask(url, "/sessions").catch(() => null);
    return answer?.body.sessions.length === 2;
  });
});
