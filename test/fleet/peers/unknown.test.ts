import { createServer } from "node:net";
import anyTest, { type TestFn } from "ava";
import { idOf, unknown } from "../../fixtures/fleet/three-processes.ts";
import { type Fleet, openFleet } from "../../fixtures/http/open-fleet.ts";

/** Declares tests that run one after another, since they share a fleet. The last one cuts a replica off. */
const test = anyTest.serial as TestFn<{ fleet: Fleet }>;

test.before(async (t) => {
  t.context.fleet = await openFleet();
});
test.after.always((t) => t.context.fleet.close());

test("many unknown ids at once: 64 are looked for, and the others are told to come again", async (t) => {
  const { fleet } = t.context;
  const [one, other] = fleet.replicas;
  let opened = 0;
  let answered = 0;
  let most = 0;
  const enough = Promise.withResolvers<void>();
  // It takes connections, and says nothing.
  const standing = createServer((socket) => {
    opened += 1;
    // Each answer ends a search, whose connection may be seen to close later.
    most = Math.max(most, opened - answered);
    socket.on("error", () => undefined);
    if (opened === 64) enough.resolve();
  });
  await new Promise<void>((resolve) => standing.listen(0, "127.0.0.1", resolve));
  t.teardown(() => standing.close());
  const address = `http://127.0.0.1:${(standing.address() as { port: number }).port}`;
  const member = fleet.store.members.get(other.nodeId)!;
  fleet.store.members.set(other.nodeId, { ...member, node: { ...member.node, address } });
  t.teardown(() => fleet.store.members.set(other.nodeId, member));
  const ask = async (id: string) => {
    const answer = await one.ask(`/sessions/${id}`);
    answered += 1;
    return answer;
  };
  const answers = Promise.all(Array.from({ length: 100 }, (_, index) => ask(idOf(index))));
  await enough.promise;
  for (const { status, body, headers } of await answers)
    t.deepEqual([status, body.code, headers.get("retry-after")], [503, "PEER_UNREACHABLE", "1"]);
  t.true(most <= 64, `${most} connections`);
});

test("a session that the registry wrongly holds to be live is not found where its owner, all others too, deny it", async (t) => {
  const { fleet } = t.context;
  const [one, other] = fleet.replicas;
  const { session_id } = await other.start();
  const record = fleet.store.records.get(session_id)!;
  fleet.store.records.set(unknown, { ...record, sessionId: unknown, nodeId: other.nodeId });
  t.teardown(() => fleet.store.records.delete(unknown));
  const { status, body } = await one.ask(`/sessions/${unknown}`);
  t.deepEqual([status, body.code], [404, "SESSION_NOT_FOUND"]);
  t.false("end_reason" in body);
});

test("what the registry holds to be lost is shown by a replica that has it all the same", async (t) => {
  const { fleet } = t.context;
  const { session_id } = await fleet.replicas[0].start();
  const record = fleet.store.records.get(session_id)!;
  fleet.store.records.set(session_id, { ...record, end: { reason: "lost", endedAt: Date.now() } });
  t.teardown(() => fleet.store.records.set(session_id, record));
  for (const { ask } of fleet.replicas) t.is((await ask(`/sessions/${session_id}`)).status, 200);
});

test("a replica that is listed no more is asked for as long as it is there, and missed no longer when it is gone", async (t) => {
  const { fleet } = t.context;
  const [one, other] = fleet.replicas;
  const { session_id } = await other.start();
  t.is((await one.ask(`/sessions/${unknown}`)).status, 404);
  fleet.store.members.delete(other.nodeId);
  fleet.store.records.delete(session_id);
  t.is((await one.ask(`/sessions/${session_id}`)).status, 200);
  const { sessions } = (await one.ask("/sessions")).body;
  t.true(sessions.some((session: { session_id: string }) => session.session_id === session_id));
  other.cut();
  t.is((await one.ask(`/sessions/${session_id}`)).status, 404);
  t.is((await one.ask("/sessions")).headers.get("greenroom-incomplete"), null);
});
