import { once } from "node:events";
import { connect } from "node:net";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { supervisorOf } from "../../src/agent-launcher.ts";
import { eventually } from "../fixtures/eventually.ts";
import { EventReader } from "../fixtures/http/event-reader.ts";
import { type Fleet, openFleet, placesOf, type Replica } from "../fixtures/http/open-fleet.ts";

/** Declares tests that run one after another, since they share a fleet. */
const test = anyTest.serial as TestFn<{ fleet: Fleet }>;

const open = () => openFleet({ serve: () => ({ eventCommentIntervalMs: 50 }) });

test.before(async (t) => {
  t.context.fleet = await open();
});
test.after.always((t) => t.context.fleet.close());

async function started(t: ExecutionContext<{ fleet: Fleet }>, fleet = t.context.fleet) {
  const { session_id } = await fleet.replicas[0].start();
  const { owner, foreign } = placesOf(fleet, session_id);
  const path = `/sessions/${session_id}`;
  const read = (replica: Replica, headers: Record<string, string> = {}) =>
    EventReader.open(t, `${replica.url}${path}/events`, headers);
  return {
    path,
    owner,
    foreign,
    read,
    session: (await supervisorOf(owner.launcher)).getSession(session_id)!,
  };
}

/** Resolves with the number of streams of events that are open at a replica. */
async function streamsAt({ ask }: Replica): Promise<number> {
  return Number(/^\S*event_streams_open (\d+)$/m.exec((await ask("/metrics")).text)?.[1]);
}

test("a session is followed at a foreign replica from its first event to its last", async (t) => {
  const { path, owner, foreign, read } = await started(t);
  const reader = await read(foreign);
  t.is(reader.response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  t.is(reader.response.headers.get("x-accel-buffering"), "no");
  t.is(reader.response.headers.get("cache-control"), "no-cache, no-transform");
  await reader.until(({ data }) => data.state === "live");
  await foreign.ask(`${path}/messages`, { json: { text: "hello" } });
  await reader.until(({ event }) => event === "turn");
  await reader.comment();
  await foreign.ask(path, { method: "DELETE" });
  t.is((await reader.rest()).at(-1)!.event, "end");

  const again = await (await read(foreign)).rest();
  t.deepEqual(again, await (await read(owner)).rest());
  const missed = await (await read(foreign, { "last-event-id": "2" })).rest();
  t.deepEqual(missed, again.slice(2));
  const last = String(again.at(-1)!.id);
  const over = await foreign.ask(`${path}/events`, { headers: { "last-event-id": last } });
  t.is(over.status, 204);
  t.is(over.text, "");
  const invalid = await foreign.ask(`${path}/events`, { headers: { "last-event-id": "x" } });
  t.is(invalid.status, 422);
});

test("HEAD opens no stream", async (t) => {
  const { path, foreign } = await started(t);
  const head = await foreign.ask(`${path}/events`, { method: "HEAD" });
  t.is(head.status, 200);
  t.is(head.headers.get("content-type"), "text/event-stream; charset=utf-8");
});

test("a reader who leaves the foreign replica leaves the owner too", async (t) => {
  const { path, owner, foreign } = await started(t);
  const streams = () => streamsAt(owner);
  await eventually("those of other tests are closed", async () => (await streams()) === 0);
  const reader = connect(foreign.port, "127.0.0.1");
  reader.write(`GET ${path}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  await once(reader, "data");
  t.is(await streams(), 1);
  const requests = () =>
    owner
      .lines()
      .filter(
        ({ event, route }) => event === "request_answered" && route === "/sessions/{session_id}/events",
      );
  const before = requests().length;
  reader.destroy();
  await eventually("its request is over", () => requests().length > before);
  t.is(await streams(), 0);
  t.is(requests().at(-1)!.proxied_from, foreign.nodeId);
});

test("an owner that dies in mid-stream ends the stream; who comes back gets what the registry knows", async (t) => {
  const fleet = await open();
  t.teardown(() => fleet.close());
  const { path, owner, foreign, read, session } = await started(t, fleet);
  const reader = await read(foreign);
  await reader.until(({ data }) => data.state === "live");
  owner.cut();
  await t.throwsAsync(reader.rest());
  const back = await foreign.ask(`${path}/events`);
  t.is(back.status, 503);
  t.is(back.body.code, "PEER_UNREACHABLE");
  t.is(back.headers.get("retry-after"), "1");
  fleet.store.expire(owner.nodeId);
  const lost = await foreign.ask(`${path}/events`);
  t.is(lost.status, 404);
  t.is(lost.body.end_reason, "lost");
  t.is(session.state, "live");
  const cause = foreign.lines().find(({ event }) => event === "peer_silent");
  t.like(cause, { level: 40, peer: owner.nodeId });
});

test("a reader that does not read is cut off by the owner, through the foreign replica too", async (t) => {
  const { path, foreign, owner, session } = await started(t);
  const reader = connect(foreign.port, "127.0.0.1");
  reader.pause();
  reader.on("error", () => undefined);
  t.teardown(() => reader.destroy());
  await eventually("those of other tests are closed", async () => (await streamsAt(owner)) === 0);
  reader.write(`GET ${path}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  const isOpen = async () => (await streamsAt(owner)) === 1;
  await eventually("it is open", isOpen);
  const text = "x".repeat(100_000);
  while (await isOpen()) {
    for (let i = 0; i < 20; i += 1) {
      session.events.append({
        type: "transcript",
        at: 0,
        role: "agent",
        turnId: "t",
        participantId: "a",
        final: false,
        delta: text,
      });
    }
  }
  t.true(session.events.lastId > 20);
});

// The last, since it takes a replica from the fleet.
test("a replica that stops lets go of the streams that it passes through", async (t) => {
  const { foreign, read, session } = await started(t);
  const reader = await read(foreign);
  await reader.until(({ data }) => data.state === "live");
  await foreign.launcher.stop();
  await t.throwsAsync(reader.rest());
  t.is(session.state, "live");
});
