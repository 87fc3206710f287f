import anyTest, { type TestFn } from "ava";
import type { AgentLauncher } from "greenroom";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { WeriftClient } from "../../fixtures/browser/werift-client.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";
import { reached } from "../../fixtures/session-watch.ts";

const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher({ agent: agentUrl("calls/browser") });
});
test.after.always((t) => t.context.launcher.stop());

test("an offer as application/sdp begins a participation, and DELETE ends it", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher);
  const { session_id: id, session_token: token } = await server.start({ call_id: "whip" });
  await reached(launcher.getSession(id)!, "live");
  const client = new WeriftClient("ann");
  t.teardown(() => client.close());
  const { connection } = client;
  await connection.setLocalDescription(await connection.createOffer());
  const body = connection.localDescription?.sdp ?? "";
  const path = `/sessions/${id}/offer`;
  const headers = { "Content-Type": "application/sdp", "Greenroom-Session-Token": token };

  const answer = await server.ask(path, { method: "POST", headers, body });
  t.is(answer.status, 201);
  t.is(answer.headers.get("content-type"), "application/sdp");
  const location = answer.headers.get("location") ?? "";
  t.regex(location, new RegExp(`^${path}/[\\da-f-]{36}$`));
  await connection.setRemoteDescription({ type: "answer", sdp: answer.text });
  await client.told("joined");
  await eventually("the agent is not alone", () => launcher.getSession(id)?.aloneSince === null);

  t.is((await server.ask(location, { method: "PATCH", headers, body: "" })).status, 405);
  t.is((await server.ask(location, { method: "DELETE", headers })).status, 204);
  await eventually("the agent is alone", () => (launcher.getSession(id)?.aloneSince ?? null) !== null);
  t.like(await server.ask(location, { method: "DELETE", headers }), {
    status: 422,
    body: { code: "EDGE_REFUSED" },
  });
});

test("what is no SDP is refused in words", async (t) => {
  const server = await openServer(t, t.context.launcher);
  const { session_id: id } = await server.start({ call_id: "whip" });
  const path = `/sessions/${id}/offer`;
  const sdp = { "Content-Type": "application/sdp" };
  t.like(await server.ask(path, { method: "POST", headers: sdp, body: "hello" }), {
    status: 422,
    body: { code: "EDGE_REFUSED", detail: "The offer holds no SDP" },
  });
  t.is((await server.ask(path, { method: "POST", headers: sdp, body: "" })).status, 422);
  t.is(
    (await server.ask(path, { method: "POST", headers: { "Content-Type": "text/plain" }, body: "v=0" }))
      .status,
    415,
  );
  // Another endpoint takes no SDP.
  const messages = `/sessions/${id}/messages`;
  t.is((await server.ask(messages, { method: "POST", headers: sdp, body: "v=0" })).status, 415);
});
