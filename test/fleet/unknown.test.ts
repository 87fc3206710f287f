import { createServer } from "node:net";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { eventually } from "../fixtures/eventually.ts";
import { knowEachOther, metricOfAll } from "../fixtures/fleet/balanced-fleet.ts";
import { ReplicaProcess } from "../fixtures/fleet/replica-process.ts";
import { openFleet } from "../fixtures/http/open-fleet.ts";
import { needs } from "../fixtures/needs.ts";
import { RedisServer } from "../fixtures/programs/redis-server.ts";
import { TcpRelay } from "../fixtures/programs/tcp-relay.ts";

/** Declares tests that run one after another: each has processes of its own, and there are two cores. */
const test = (anyTest as TestFn).serial;
const withRedis = needs("redis-server", test);

type Three = readonly [ReplicaProcess, ReplicaProcess, ReplicaProcess];

/**
 * Starts three processes; none is declared dead while a test runs. `redisUrl`: the address at which the first one finds
 * Redis.
 */
async function processes(
  t: ExecutionContext,
  redisUrl: (redis: RedisServer) => Promise<string> = async ({ url }) => url,
): Promise<{ readonly redis: RedisServer; readonly replicas: Three }> {
  t.timeout(180_000);
  const redis = await RedisServer.open();
  t.teardown(() => redis[Symbol.asyncDispose]());
  const open = (index: number, url: string) =>
    ReplicaProcess.open(t, {
      nodeId: `replica-${index}`,
      redisUrl: url,
      launcher: { maxConcurrentSessions: 32, ignoreLoad: true, threadWaitTimeoutMs: 60_000 },
      runner: {},
      environment: { GREENROOM_REGISTRY_LEASE_MS: "600000", GREENROOM_HTTP_LOG_LEVEL: "warn" },
    });
  const replicas = [
    await open(0, await redisUrl(redis)),
    await open(1, redis.url),
    await open(2, redis.url),
  ] as const;
  await Promise.all(replicas.map((replica) => replica.ready()));
  await knowEachOther(replicas);
  return { redis, replicas };
}

function freeze(t: ExecutionContext, { child }: ReplicaProcess): () => void {
  const thaw = () => child.kill("SIGCONT");
  child.kill("SIGSTOP");
  t.teardown(thaw);
  return thaw;
}

/** Returns an id like those of sessions, which none has. */
const idOf = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
const unknown = idOf(0);

withRedis("Redis is emptied, again and again: each replica finds every session, 50 of 50", async (t) => {
  const { redis, replicas } = await processes(t);
  const ids: string[] = [];
  for (let count = 0; count < 5; count += 1)
    for (const replica of replicas) ids.push((await replica.start({ call_id: "long" })).session_id);
  const statuses = async (id: string) =>
    (await Promise.all(replicas.map(({ ask }) => ask(`/sessions/${id}`)))).map(({ status }) => status);

  for (let round = 0; round < 50; round += 1) {
    await redis.flush();
    t.deepEqual(await statuses(ids[round % ids.length]!), [200, 200, 200], `round ${round}`);
  }
  // Through all that happens until each is registered again, and has written what it has.
  await redis.flush();
  for (let round = 0; ; round += 1) {
    const before = await metricOfAll(replicas, "greenroom_registry_peers");
    t.deepEqual(await statuses(ids[round % ids.length]!), [200, 200, 200], `round ${round} of the return`);
    if (before === 6 && round >= 50) break;
  }
  for (const [index, id] of ids.entries()) {
    await redis.flush();
    const { status } = await replicas[(index + 1) % 3]!.ask(`/sessions/${id}`, { method: "DELETE" });
    t.is(status, 204, `the end of ${index}`);
  }
  await eventually("all have ended", async () => (await metricOfAll(replicas, "greenroom_sessions")) === 0);
});

withRedis("Redis is emptied: who closes the sessions of a call closes those of all replicas", async (t) => {
  const { redis, replicas } = await processes(t);
  for (let round = 0; round < 5; round += 1) {
    const call_id = `call-${round}`;
    const started: string[] = [];
    for (const replica of replicas) started.push((await replica.start({ call_id })).session_id);
    await redis.flush();
    const path = `/calls/${call_id}/sessions`;
    const { status, body } = await replicas[round % 3]!.ask(path, { method: "DELETE" });
    t.is(status, 202);
    t.deepEqual(body.session_ids.toSorted(), started.toSorted());
  }
});

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

withRedis("of an unknown id each peer is asked at most once a second, however many ask for it", async (t) => {
  const { replicas } = await processes(t);
  const [one] = replicas;
  const located = () => one.metric("greenroom_peer_request_seconds_count", 'kind="located"');
  const before = await located();
  const begunAt = performance.now();
  for (let round = 0; round < 5; round += 1) {
    const answers = await Promise.all(Array.from({ length: 40 }, () => one.ask(`/sessions/${unknown}`)));
    t.true(answers.every(({ status }) => status === 404));
  }
  const seconds = Math.floor((performance.now() - begunAt) / 1_000) + 1;
  const asked = (await located()) - before;
  t.true(asked >= 2 && asked <= 2 * seconds, `${asked} questions to 2 peers in less than ${seconds} s`);
});

withRedis("what an earlier life of a replica had is not denied by the process in its place", async (t) => {
  const { replicas } = await processes(t);
  const [one, , owner] = replicas;
  const { session_id } = await owner.start();
  await owner.kill();
  await owner.restart();
  for (const method of ["GET", "DELETE"]) {
    const { status, body } = await one.ask(`/sessions/${session_id}`, { method });
    if (status !== 404) t.deepEqual([status, body.code], [503, "PEER_UNREACHABLE"]);
    else t.is(body.end_reason, "lost");
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
