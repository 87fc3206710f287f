import { once } from "node:events";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import type { AgentLauncher, JsonObject } from "greenroom";
import { tone } from "greenroom/testing";
import { OpusDecoder, OpusEncoder } from "../../../src/audio/reception/opus.ts";
import { Backlog } from "../../../src/providers/browser/web-socket/backlog.ts";
import { PcmReception } from "../../../src/providers/browser/web-socket/pcm-reception.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";
import { SocketClient } from "../../fixtures/http/socket-client.ts";

const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher({ agent: agentUrl("calls/browser") });
});
test.after.always((t) => t.context.launcher.stop());

/** Starts a session, and returns what opens sockets into it. */
async function started(t: ExecutionContext<{ launcher: AgentLauncher }>, config: JsonObject = {}) {
  const server = await openServer(t, t.context.launcher);
  const { session_id: id, session_token: token } = await server.start({ call_id: "socket", config });
  const open = async (hello: JsonObject | null = { type: "hello" }) => {
    const client = new SocketClient(t, `${server.url}/sessions/${id}/media`, {
      token,
      protocols: ["greenroom.v1"],
    });
    await once(client.socket, "open");
    if (hello) client.socket.send(JSON.stringify(hello));
    return client;
  };
  return { server, id: String(id), open };
}

/** Resolves with the next message of this type. */
async function told(client: SocketClient, type: string): Promise<JsonObject> {
  for (;;) {
    const message = await client.next();
    if (typeof message !== "string") continue;
    const value = JSON.parse(message) as JsonObject;
    if (value.type === type) return value;
  }
}

test("a client says hello, is told who it is, and sound goes both ways as samples", async (t) => {
  const { open } = await started(t, { heard: ["Hello agent"] });
  const client = await open();
  const joined = await told(client, "joined");
  t.like(joined, { agent: { id: "agent", name: "Agent" }, participants: [] });
  const { samples } = tone(330, 600);
  for (let at = 0; at < samples.length; at += 320)
    client.socket.send(new Uint8Array(samples.slice(at, at + 320).buffer));
  // Nothing more is said: the turn ends with silence that the server makes up.
  t.like(await told(client, "transcript"), { role: "user" });
  for (;;) {
    const message = await client.next();
    if (typeof message === "string") continue;
    t.is(message.length, 2 * 480);
    return;
  }
});

test("with opus each piece of sound is a packet", async (t) => {
  const { open } = await started(t, { greeting: "Hello there" });
  const client = await open({ type: "hello", codec: "opus" });
  await told(client, "joined");
  using encoder = await OpusEncoder.create({ sampleRate: 16_000 });
  using decoder = await OpusDecoder.create({ sampleRate: 24_000 });
  client.socket.send(encoder.encode(new Int16Array(320)));
  for (;;) {
    const message = await client.next();
    if (typeof message === "string") continue;
    t.is(decoder.decode(message).length, 480);
    return;
  }
});

for (const [what, send] of [
  ["no hello", (client: SocketClient) => client.socket.send('{"type":"text","text":"hi"}')],
  ["a hello of another kind", (client: SocketClient) => client.socket.send('{"type":"hello","codec":"mp3"}')],
  ["a text that is no JSON", (client: SocketClient) => client.socket.send("{")],
] as const) {
  test(`${what} at the beginning: the connection is closed, and nobody was in the call`, async (t) => {
    const { open } = await started(t);
    const client = await open(null);
    send(client);
    t.is((await client.closed).code, 1_002);
  });
}

for (const [what, message] of [
  ["half a sample", Buffer.alloc(3)],
  ["no sound", Buffer.alloc(0)],
  ["more than a second", Buffer.alloc(40_000)],
  ["a second hello", '{"type":"hello"}'],
  ["a message of no known type", '{"type":"boss"}'],
] as const) {
  test(`${what}: the connection of who sent it is closed, and no other`, async (t) => {
    const { open } = await started(t);
    const [ann, eve] = [await open(), await open()];
    await Promise.all([told(ann, "joined"), told(eve, "joined")]);
    eve.socket.send(message);
    t.is((await eve.closed).code, 1_002);
    await told(ann, "participant_left");
    ann.socket.send('{"type":"ping","id":7}');
    t.like(await told(ann, "pong"), { id: 7 });
  });
}

test("what is no packet of Opus, and a flood of messages, close the connection", async (t) => {
  const { open } = await started(t);
  const opus = await open({ type: "hello", codec: "opus" });
  await told(opus, "joined");
  opus.socket.send(Buffer.from([255, 255, 255]));
  t.is((await opus.closed).code, 1_002);
  const flood = await open();
  await told(flood, "joined");
  for (let id = 0; id < 500; id += 1) flood.socket.send(JSON.stringify({ type: "ping", id }));
  t.is((await flood.closed).code, 1_002);
});

test("who comes back with the text that it was given takes its own place", async (t) => {
  const { id, open } = await started(t);
  const first = await open();
  const joined = await told(first, "joined");
  const second = await open({ type: "hello", resume: joined.resume ?? "" });
  t.deepEqual((await told(second, "joined")).participant, joined.participant);
  t.is((await first.closed).code, 4_000);
  const stranger = await open({ type: "hello", resume: "a guess" });
  t.notDeepEqual((await told(stranger, "joined")).participant, joined.participant);
  second.socket.send('{"type":"leave"}');
  stranger.socket.send('{"type":"leave"}');
  t.is((await second.closed).code, 1_000);
  await eventually(
    "the agent is alone",
    () => (t.context.launcher.getSession(id)?.aloneSince ?? null) !== null,
  );
});

test("a full call refuses in words", async (t) => {
  const { server, id, open } = await started(t);
  for (let place = 0; place < 3; place += 1) await told(await open(), "joined");
  const refusal = await SocketClient.refused(t, `${server.url}/sessions/${id}/media`, {
    protocols: ["greenroom.v1"],
  });
  t.like(refusal, { status: 422, body: { code: "EDGE_REFUSED" } });
  t.regex(refusal.body.detail, /has 3 participants/);
});

test("sound that comes unevenly is given evenly, and what is too old is left out", (t) => {
  const reception = new PcmReception();
  t.is(reception.pull(), null);
  const piece = new Int16Array(320).fill(1);
  reception.push(piece);
  t.is(reception.pull()?.[0], 0, "some of it has to wait");
  reception.push(piece);
  t.is(reception.pull()?.[0], 1);
  t.is(reception.pull()?.[0], 1);
  t.is(reception.pull()?.[0], 0, "nothing came in time");
  for (let left = 50; left > 0; left -= 1) reception.push(piece);
  let given = 0;
  while (reception.pull()?.[0] === 1) given += 1;
  t.true(given >= 2 && given <= 15, String(given));
  for (let left = 60; left > 0; left -= 1) reception.pull();
  t.is(reception.pull(), null, "who sends nothing is not heard");
});

test("to a client that is slow the newest sound is sent, and no more than it can catch up with", (t) => {
  const sent: number[] = [];
  const socket = {
    OPEN: 1,
    readyState: 1,
    bufferedAmount: 0,
    send: (frame: Uint8Array) => sent.push(frame[0] ?? 0),
  };
  const backlog = new Backlog(socket as never);
  backlog.received(0);
  for (let frame = 0; frame < 200; frame += 1) backlog.send(Uint8Array.of(frame));
  t.is(sent.length, 75);
  backlog.received(75);
  t.is(sent.length, 100);
  t.is(sent.at(-1), 199);
  t.is(sent.at(75), 175);
  // One that claims more than it was sent gains nothing.
  backlog.received(1_000_000);
  for (let frame = 0; frame < 200; frame += 1) backlog.send(Uint8Array.of(frame));
  t.is(sent.length, 175);
});
