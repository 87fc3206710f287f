import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { BroadcastChannel } from "node:worker_threads";
import test from "ava";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";
import { SocketClient, told } from "../../fixtures/http/socket-client.ts";

test("a client comes back to the next agent as the same participant, is told its words, and connects anew where the call moves", async (t) => {
  const launcher = await startLauncher({
    agent: agentUrl("calls/come-back"),
    maxResumes: 3,
    warmSessions: 2,
  });
  t.teardown(() => launcher.stop());
  const server = await openServer(t, launcher);
  const { session_id: id, session_token: token } = await server.start({ config: { edge: "browser" } });
  const enter = async (resume: string | null) => {
    const client = new SocketClient(t, `${server.url}/sessions/${id}/media`, {
      token,
      protocols: ["greenroom.v1"],
    });
    await client.opened;
    client.socket.send(JSON.stringify({ type: "hello", resume }));
    client.keepAlive();
    return { client, joined: await told(client, { type: "joined" }) };
  };
  const before = await enter(null);
  await told(before.client, { type: "transcript", role: "agent", final: true });
  before.client.socket.send('{"type":"text","text":"die"}');
  await before.client.closed;

  const after = await enter(String(before.joined.resume));
  t.deepEqual(after.joined.participant, before.joined.participant);
  await told(after.client, { type: "transcript", role: "user", text: "die", final: true });
  await told(after.client, { type: "turn", outcome: "interrupted" });
  await told(after.client, { type: "transcript", role: "agent", text: "You said: die", final: true });

  const session = (await supervisorOf(launcher)).getSession(id);
  session?.slot?.send({ type: "close", reason: "drained", moved: true });
  await told(after.client, { type: "moved" });
  // It stays, and is not waited for.
  t.is((await after.client.closed).code, 1_012);
});

test("a client that comes while a thread ends is answered by the agent that takes up the call", async (t) => {
  const launcher = await startLauncher({
    agent: agentUrl("calls/come-back"),
    maxResumes: 3,
    warmSessions: 2,
  });
  t.teardown(() => launcher.stop());
  const supervisor = await supervisorOf(launcher);
  const name = randomUUID();
  const channel = new BroadcastChannel(name);
  t.teardown(() => channel.close());
  const hangs = once(channel, "message");
  const session = await supervisor.startSession({
    callId: "call",
    config: { edge: "browser", channel: name },
  });
  supervisor.sendMessage(session, { text: "hang", participantId: "guest" });
  await hangs;
  const guest = { id: "guest", name: "Guest", madeUp: false };
  const refused = t.throwsAsync(supervisor.answerOffer(session, guest, { type: "offer", sdp: "no offer" }), {
    code: "EDGE_REFUSED",
  });
  await turn();
  session.slot?.kill({ reason: "unresponsive", message: "a test ends it" });
  await refused;
  t.is(session.resumes, 1);
});
