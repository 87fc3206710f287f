import { createServer } from "node:net";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { eventually } from "../fixtures/eventually.ts";
import type { ReplicaProcess } from "../fixtures/fleet/replica-process.ts";
import { idOf, processes, unknown } from "../fixtures/fleet/three-processes.ts";
import { openFleet } from "../fixtures/http/open-fleet.ts";
import { needs } from "../fixtures/needs.ts";
import { TcpRelay } from "../fixtures/programs/tcp-relay.ts";

/** Declares tests that run one after another: each has processes of its own, and there are two cores. */
const test = (anyTest as TestFn).serial;
const withRedis = needs("redis-server", test);

function freeze(t: ExecutionContext, { child }: ReplicaProcess): () => void {
  const thaw = () => child.kill("SIGCONT");
  child.kill("SIGSTOP");
  t.teardown(thaw);
  return thaw;
}

withRedis(
  "a session that began while only its replica was cut off from Redis is found by the others",
  async (t) => {
    let relay: TcpRelay | undefined;
    const { replicas } = await processes(t, async (redis) => {
      relay = await TcpRelay.open(t, redis.port);
      return relay.url;
    });
    const [cut, ...others] = replicas;
    relay!.cut();
    await eventually("it is cut off", async () => (await cut.metric("greenroom_registry_up")) === 0);
    const sessions = [await cut.start({ call_id: "alone" }), await cut.start({ call_id: "alone" })];
    for (const [index, replica] of others.entries()) {
      const { session_id } = sessions[index]!;
      t.is((await replica.ask(`/sessions/${session_id}`)).status, 200);
      t.is((await replica.ask(`/calls/alone/sessions/${session_id}`)).status, 200);
      t.is((await replica.ask(`/sessions/${session_id}/messages`, { json: { text: "hello" } })).status, 202);
      t.is((await replica.ask(`/sessions/${session_id}?wait=true`, { method: "DELETE" })).status, 204);
      t.is((await replica.ask(`/sessions/${session_id}`)).body.end_reason, "closed");
    }
  },
);

withRedis("an unknown id: 503 on all paths while a replica is frozen, and 404 when it goes on", async (t) => {
  const { replicas } = await processes(t);
  const [one, frozen] = replicas;
  const paths = ["", "/metrics", "/events"].flatMap((path) => [
    { path: `/sessions/${unknown}${path}`, request: {} },
    { path: `/calls/c/sessions/${unknown}${path}`, request: {} },
  ]);
  for (const base of [`/sessions/${unknown}`, `/calls/c/sessions/${unknown}`]) {
    paths.push({ path: base, request: { method: "DELETE" } });
    paths.push({ path: `${base}?wait=true`, request: { method: "DELETE" } });
    paths.push({ path: `${base}/close`, request: { method: "POST", body: "left" } });
    paths.push({ path: `${base}/messages`, request: { json: { text: "hello" } } });
    paths.push({ path: `${base}/join-token`, request: { method: "POST" } });
  }
  const thaw = freeze(t, frozen);
  for (const { path, request } of paths) {
    const { status, body, headers } = await one.ask(path, request);
    t.deepEqual([status, body.code, headers.get("retry-after")], [503, "PEER_UNREACHABLE", "1"], path);
  }
  thaw();
  await frozen.ask("/health");
  for (const { path, request } of paths) {
    const { status, body } = await one.ask(path, request);
    t.deepEqual([status, body.code], [404, "SESSION_NOT_FOUND"], path);
  }
});

test("many unknown ids at once: 64 are looked for, and the others are told to come again", async (t) => {
  const fleet = await openFleet();
  t.teardown(() => fleet.close());
  const [one, other] = fleet.replicas;
  let open = 0;
  let most = 0;
  const enough = Promise.withResolvers<void>();
  // It takes connections, and says nothing.
  const standing = createServer((socket) => {
    open += 1;
    most = Math.max(most, open);
    socket.on("error", () => undefined).on("close", () => (open -= 1));
    if (open === 64) enough.resolve();
  });
  await new Promise<void>((resolve) => standing.listen(0, "127.0.0.1", resolve));
  t.teardown(() => standing.close());
  const address = `http://127.0.0.1:${(standing.address() as { port: number }).port}`;
  const member = fleet.store.members.get(other.nodeId)!;
  fleet.store.members.set(other.nodeId, { ...member, node: { ...member.node, address } });
  const answers = Promise.all(Array.from({ length: 100 }, (_, index) => one.ask(`/sessions/${idOf(index)}`)));
  await enough.promise;
  for (const { status, body, headers } of await answers)
    t.deepEqual([status, body.code, headers.get("retry-after")], [503, "PEER_UNREACHABLE", "1"]);
  // The end of one may be seen here after the beginning of the next.
  t.true(most < 80, `${most} connections`);
});

test("a session that the registry wrongly holds to be live is not found where its owner, all others too, deny it", async (t) => {
  const fleet = await openFleet();
  t.teardown(() => fleet.close());
  const [one, other] = fleet.replicas;
  const { session_id } = await other.start();
  const record = fleet.store.records.get(session_id)!;
  fleet.store.records.set(unknown, { ...record, sessionId: unknown, nodeId: other.nodeId });
  const { status, body } = await one.ask(`/sessions/${unknown}`);
  t.deepEqual([status, body.code], [404, "SESSION_NOT_FOUND"]);
  t.false("end_reason" in body);
});

test("what the registry holds to be lost is shown by a replica that has it all the same", async (t) => {
  const fleet = await openFleet();
  t.teardown(() => fleet.close());
  const { session_id } = await fleet.replicas[0].start();
  const record = fleet.store.records.get(session_id)!;
  fleet.store.records.set(session_id, { ...record, end: { reason: "lost", endedAt: Date.now() } });
  for (const { ask } of fleet.replicas) t.is((await ask(`/sessions/${session_id}`)).status, 200);
});

test("a replica that is listed no more is asked for as long as it is there, and missed no longer when it is gone", async (t) => {
  const fleet = await openFleet();
  t.teardown(() => fleet.close());
  const [one, other] = fleet.replicas;
  const { session_id } = await other.start();
  t.is((await one.ask(`/sessions/${unknown}`)).status, 404);
  fleet.store.members.delete(other.nodeId);
  fleet.store.records.delete(session_id);
  t.is((await one.ask(`/sessions/${session_id}`)).status, 200);
  t.is((await one.ask("/sessions")).body.sessions[0].session_id, session_id);
  other.cut();
  t.is((await one.ask(`/sessions/${session_id}`)).status, 404);
  t.is((await one.ask("/sessions")).headers.get("greenroom-incomplete"), null);
});
