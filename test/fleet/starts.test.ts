import { connect } from "node:net";
import anyTest, { type TestFn } from "ava";
import { GreenroomError, type JsonValue, type Scope } from "greenroom";
import { supervisorOf } from "../../src/agent-launcher.ts";
import { markHeader, PeerMarks } from "../../src/control-plane/peers/connection/mark.ts";
import { newestRevision } from "../../src/registry/revisions.ts";
import { eventually } from "../fixtures/eventually.ts";
import { fleetOf, pairOf, small, withKey } from "../fixtures/fleet/fleet-of-test.ts";
import { StandInPeer } from "../fixtures/fleet/stand-in-peer.ts";
import { type Fleet, type Pair, peerSecret, placesOf, type Replica } from "../fixtures/http/open-fleet.ts";
import { CommonRegistry, CommonStore } from "../fixtures/registry/common-registry.ts";

/** Declares tests that run one after another: each has servers of its own, and there are two cores. */
const test = anyTest.serial as TestFn;

const counts = ({ replicas }: Fleet) => replicas.map(({ launcher }) => launcher.listSessions().length);

test("a full replica's starts land on the peers; 429 only when all are full", async (t) => {
  const fleet = await fleetOf(t, small);
  const [first, second] = fleet.replicas;
  const started = [await first.start(), await first.start(), await first.start()];
  t.deepEqual(counts(fleet), [1, 1, 1]);
  for (const replica of fleet.replicas) {
    const { status, body, headers } = await replica.ask("/sessions", { json: { call_id: "one-too-many" } });
    t.is(status, 429);
    t.is(body.code, "POOL_FULL");
    t.is(headers.get("retry-after"), "1");
  }
  const abroad = started.map(({ session_id }) => placesOf(fleet, session_id).owner);
  const forwarded = first.lines().filter(({ forwarded_to }) => forwarded_to !== undefined);
  t.deepEqual(
    forwarded.map(({ session_id, forwarded_to, status }) => [session_id, forwarded_to, status]),
    started
      .map(({ session_id }, i) => [session_id, abroad[i]!.nodeId, 201])
      .filter(([, nodeId]) => nodeId !== first.nodeId),
  );
  t.regex((await first.ask("/metrics")).text, /peer_request_seconds_count\{kind="forwarded"\} [1-9]/);
  // The room of a session that ended is found, wherever it is.
  const { session_id, session_token } = started.at(-1)!;
  await first.ask(`/sessions/${session_id}/close?wait=true&token=${session_token}`, { method: "POST" });
  t.is((await second.ask("/calls/again/sessions", { method: "POST" })).status, 201);
});

test("a start that is passed on is the client's: its body, headers and address; and it is judged there too", async (t) => {
  const seen: { at: number; scope: Scope; body: JsonValue | undefined }[] = [];
  const fleet = await fleetOf(t, {
    ...small,
    serve: (at) => ({
      trustedProxyCount: 1,
      getCurrentUser: ({ headers }) => headers.get("x-user"),
      canStartSession: (scope) => {
        seen.push({ at, scope, body: scope.body });
        return at === 0 || scope.headers.get("x-user") !== "bob";
      },
    }),
  });
  const [first] = fleet.replicas;
  const headers = { "x-user": "ann", "x-forwarded-for": "203.0.113.7" };
  while (first.launcher.listSessions().length === 0) await first.start({}, headers);
  for (const session of first.launcher.listSessions().slice(1)) await session.ended;
  seen.length = 0;
  const config = { a: [1, { b: "ä" }] };
  const answer = await first.ask("/calls/abroad/sessions", { headers, json: { config } });
  t.is(answer.status, 201);
  t.deepEqual(answer.body.config, config);
  const there = seen.find(({ at }) => at !== 0)!;
  t.is(fleet.replicas[there.at], placesOf(fleet, answer.body.session_id).owner);
  t.deepEqual(there.body, { call_id: "abroad", call_type: "default", config });
  t.is(there.scope.ip, "203.0.113.7");
  t.is(there.scope.headers.get("host"), `127.0.0.1:${first.port}`);
  const shown = await first.ask(`/sessions/${answer.body.session_id}`, { headers });
  t.is(shown.body.created_by, "ann");
  const bob = await first.ask("/sessions", {
    headers: { ...headers, "x-user": "bob" },
    json: { call_id: "c" },
  });
  t.is(bob.status, 403);
  t.is(bob.body.code, "FORBIDDEN");
});

test("a replica that shuts down hands its starts over", async (t) => {
  const fleet = await pairOf(t, {});
  const [first] = fleet.replicas;
  (await supervisorOf(first.launcher)).announceDrain();
  const announced = await first.start();
  t.not(placesOf(fleet, announced.session_id).owner, first);
  await first.launcher.stop();
  const stopped = await first.start();
  t.not(placesOf(fleet, stopped.session_id).owner, first);
});

test("a peer that is not there is passed over", async (t) => {
  const fleet = await fleetOf(t, small);
  const [first, second, third] = fleet.replicas;
  second.cut();
  const started = [await first.start(), await first.start()];
  t.deepEqual(
    new Set(started.map(({ session_id }) => placesOf(fleet, session_id).owner.nodeId)),
    new Set([first.nodeId, third.nodeId]),
  );
  t.is((await first.ask("/sessions", { json: { call_id: "c" } })).status, 429);
});

test("the limit of a call and that of the fleet are no want of room", async (t) => {
  const store = new CommonStore({ maxSessions: 2 });
  const fleet = await pairOf(t, { store, launcher: { maxConcurrentSessions: 2, maxSessionsPerCall: 1 } });
  const [first, second] = fleet.replicas;
  await first.start({ call_id: "one" });
  const inCall = await second.ask("/sessions", { json: { call_id: "one" } });
  t.deepEqual([inCall.status, inCall.body.code], [429, "CALL_FULL"]);
  await second.start({ call_id: "two" });
  const third = await second.ask("/sessions", { json: { call_id: "three" } });
  t.deepEqual([third.status, third.body.code], [429, "FLEET_FULL"]);
  t.deepEqual(
    second.lines().filter(({ forwarded_to }) => forwarded_to !== undefined),
    [],
  );
});

test("one idempotency key is one session, at whichever replica, and while the first start is under way", async (t) => {
  const fleet = await fleetOf(t, {});
  const answers = await Promise.all(
    [0, 1, 2, 0, 1, 2].map((at) => fleet.replicas[at]!.ask("/sessions", withKey("k", { call_id: "c" }))),
  );
  t.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
  t.is(new Set(answers.map(({ body }) => body.session_id)).size, 1);
  t.is(new Set(answers.map(({ body }) => body.session_token)).size, 1);
  t.is(answers.filter(({ headers }) => headers.get("idempotency-replayed") === "true").length, 5);
  const other = await fleet.replicas[2].ask("/sessions", withKey("k", { call_id: "d" }));
  t.deepEqual([other.status, other.body.code], [422, "IDEMPOTENCY_MISMATCH"]);
  t.is(
    counts(fleet).reduce((sum, count) => sum + count),
    1,
  );
});

/** Sends a start as a peer passes it on, and gives up as soon as it is sent. */
async function sendAndLeave({ port, nodeId, url }: Replica): Promise<void> {
  const hop = { kind: "forwarded", from: "replica-x", to: nodeId, ip: "127.0.0.1", host: null } as const;
  const body = JSON.stringify({ call_id: "left" });
  const peer = new StandInPeer(new PeerMarks([peerSecret]), url, hop);
  await peer.greet();
  const text = peer.mark({ method: "POST", target: "/sessions", body });
  const head = [
    "POST /sessions HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    `${markHeader}: ${text}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
  ];
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await new Promise<void>((resolve) => socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, resolve));
}

const refused = ({ lines }: Replica) =>
  eventually("it was refused", () => lines().some(({ code }) => code === "START_ABANDONED"));

test("a start whose sender has hung up does not begin", async (t) => {
  const fleet = await pairOf(t, {});
  const [replica] = fleet.replicas;
  await sendAndLeave(replica);
  await refused(replica);
  t.is(replica.launcher.listSessions().length, 0);
  t.is(fleet.store.records.size, 0);
});

test("nor one that is given up while it is being claimed", async (t) => {
  const claimed = Promise.withResolvers<void>();
  const store = new CommonStore();
  const registry = new CommonRegistry(store);
  const claim = registry.claim.bind(registry);
  let abandoned = false;
  registry.claim = async (session) => {
    await claim(session);
    abandoned = true;
    claimed.resolve();
  };
  const fleet = await pairOf(t, { store, launch: (index) => (index === 0 ? { registry } : {}) });
  const supervisor = await supervisorOf(fleet.replicas[0].launcher);
  const error = await t.throwsAsync(supervisor.startSession({ callId: "c" }, () => abandoned));
  await claimed.promise;
  t.is(GreenroomError.is(error) ? error.code : null, "START_ABANDONED");
  t.is(store.records.size, 0);
  t.is(supervisor.listSessions().length, 0);
});

test("while a newer revision is rolled out, starts go to its replicas as long as they have room", async (t) => {
  const launcher = { maxConcurrentSessions: 2 };
  const old = await pairOf(t, { launcher, launch: () => ({ revision: "a" }) });
  const { store } = old;
  const next = await pairOf(t, { store, launcher, launch: () => ({ revision: "b" }) });
  const of = ({ replicas }: Pair) => replicas.map(({ launcher: one }) => one.listSessions().length);
  for (const { ask } of next.replicas)
    await eventually("it has room", async () => (await ask("/ready")).status === 200);
  const [first, second] = old.replicas;
  for (const replica of [first, second, first, second]) await replica.start();
  t.deepEqual(
    [of(old), of(next)],
    [
      [0, 0],
      [2, 2],
    ],
  );
  // They are full.
  for (const replica of [first, second]) await replica.start();
  t.deepEqual(of(old), [1, 1]);
});

test("the newest revision is the one whose oldest replica is the youngest", (t) => {
  const node = (revision: string | null, epoch: number) => ({ revision, epoch });
  t.is(newestRevision([node("a", 1), node("a", 2)]), null);
  t.is(newestRevision([node("a", 1), node(null, 5)]), null);
  t.is(newestRevision([node("a", 1), node("b", 3), node("b", 4)]), "b");
  // A replica of the old revision was restarted in the middle of the update.
  t.is(newestRevision([node("a", 1), node("b", 3), node("a", 6)]), "b");
  // The update is taken back.
  t.is(newestRevision([node("b", 3), node("a", 6), node("a", 7)]), "a");
});
