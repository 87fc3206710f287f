import type { Socket } from "node:net";
import anyTest, { type TestFn } from "ava";
import type { AgentLauncher, JsonObject } from "greenroom";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { type OpenServer, openServer, startLauncher } from "../../fixtures/http/open-server.ts";
import { SocketClient } from "../../fixtures/http/socket-client.ts";
import { reached } from "../../fixtures/session-watch.ts";
import { trials } from "../../fixtures/trials.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher({ agent: agentUrl("calls/sockets"), threadWaitTimeoutMs: 60_000 });
});
test.after.always((t) => t.context.launcher.stop());

async function started({ url, start }: OpenServer, config: JsonObject = {}) {
  const { session_id: id, session_token: token } = await start({ call_id: "c1", config });
  return { id: String(id), token: String(token), media: `${url}/sessions/${id}/media` };
}

/** Resolves with the value of a metric of the server. */
async function metric(launcher: AgentLauncher, series: string): Promise<number> {
  const text = await (await supervisorOf(launcher)).metrics.text();
  const line = text.split("\n").find((line) => line.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
}

test("the end of the session closes its sockets with the reason; a thread that dies cuts them", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher);
  const closing = await started(server);
  const { client } = await SocketClient.open(t, closing.media);
  await launcher.closeSession(closing.id);
  t.deepEqual(await client.closed, { code: 1_000, reason: "closed" });

  const crashing = await started(server);
  const { client: left } = await SocketClient.open(t, crashing.media);
  left.socket.send("crash");
  t.is((await left.closed).code, 1_006);
  await reached(launcher.getSession(crashing.id)!, "ended");

  const drained = await startLauncher({
    agent: agentUrl("calls/sockets"),
    maxConcurrentSessions: 1,
  });
  const other = await openServer(t, drained);
  const { media } = await started(other);
  const { client: last } = await SocketClient.open(t, media);
  await drained.stop();
  t.deepEqual(await last.closed, { code: 1_001, reason: "drained" });
});

test("a caller whose right ends loses the socket; so does one of whom nothing comes", async (t) => {
  const { launcher } = t.context;
  let allowed = true;
  const judged = await openServer(t, launcher, { canJoinCall: () => allowed });
  const { session_id: id } = await judged.start();
  const { client } = await SocketClient.open(t, `${judged.url}/sessions/${id}/media`);
  allowed = false;
  t.is((await client.closed).code, 1_006);

  const hurried = await openServer(t, launcher, { mediaSocketIdleTimeoutMs: 500 });
  const { client: silent } = await SocketClient.open(t, `${hurried.url}/sessions/${id}/media`);
  t.is((await silent.closed).code, 1_006);
  for (const reason of ["idle", "cut"]) {
    const series = `greenroom_media_sockets_closed_total{leg="session",reason="${reason}"}`;
    await eventually(`it is counted as ${reason}`, async () => (await metric(launcher, series)) === 1);
  }
});

test("there are limits of a session and of a caller, and what is over gives its place back", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher);
  const { media } = await started(server);
  const clients = await Promise.all(Array.from({ length: 16 }, () => SocketClient.open(t, media)));
  t.like(await SocketClient.refused(t, media), { status: 429, body: { code: "RATE_LIMITED" } });
  clients[0]?.client.socket.close();
  await clients[0]?.client.closed;
  const again = async () => {
    const client = new SocketClient(t, media);
    return new Promise<boolean>((resolve) => {
      client.socket.once("open", () => resolve(true)).once("error", () => resolve(false));
    });
  };
  await eventually("there is a place again", again);

  const narrow = await openServer(t, launcher, { maxMediaSockets: 1 });
  const one = await started(narrow);
  await SocketClient.open(t, one.media);
  t.like(await SocketClient.refused(t, (await started(narrow)).media), { status: 429 });
});

test("a client that reads slowly holds up its own socket alone, and gets every byte", async (t) => {
  const server = await openServer(t, t.context.launcher);
  const { media } = await started(server);
  const { client: slow } = await SocketClient.open(t, media);
  const { client: other } = await SocketClient.open(t, media);
  slow.socket.pause();
  const messages = 400;
  slow.socket.send(`pour ${messages}`);
  slow.socket.send("waiting");
  t.is(await other.ask("still there"), "still there");
  slow.socket.resume();
  for (let at = 0; at < messages; at += 1) t.is((await slow.next()).length, 65_536);
  // Most of it waited in the session's thread, where the edge sees it, and not in the server.
  t.true(JSON.parse(String(await slow.next())).waiting > 10_000_000);
});

test("what is no WebSocket ends nothing but its own socket", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher);
  const { id, media } = await started(server);
  const { client: whole } = await SocketClient.open(t, media);
  const { client: broken } = await SocketClient.open(t, media);
  (broken.socket as unknown as { _socket: Socket })._socket.write(Buffer.alloc(100, 0xff));
  t.is((await broken.closed).code, 1_002);
  const { client: large } = await SocketClient.open(t, media);
  large.socket.send(Buffer.alloc(70_000));
  t.is((await large.closed).code, 1_009);
  t.is(await whole.ask("still there"), "still there");
  t.is(launcher.getSession(id)?.state, "live");
});

test("many sockets, closed or left, leave nothing", async (t) => {
  t.timeout(120_000);
  const { launcher } = t.context;
  const server = await openServer(t, launcher, { maxMediaSockets: null });
  for (let round = 0; round < trials(4, 20); round += 1) {
    const { media, id } = await started(server);
    const clients = await Promise.all(Array.from({ length: 10 }, () => SocketClient.open(t, media)));
    for (const [at, { client }] of clients.entries()) {
      if (at % 3 === 0) client.socket.terminate();
      else if (at % 3 === 1) client.socket.close();
    }
    await launcher.closeSession(id, { wait: true });
    await Promise.all(clients.map(({ client }) => client.closed));
  }
  const open = () => metric(launcher, 'greenroom_media_sockets_open{leg="session"}');
  await eventually("all are given back", async () => (await open()) === 0);
  t.is(await open(), 0);
});
