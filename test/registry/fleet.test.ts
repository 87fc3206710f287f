import { createClient } from "@redis/client";
import test from "ava";
import { type NodeState, RoomSoon } from "../../src/registry/registry.ts";
import { now } from "../../src/shared/protocol.ts";
import { eventually } from "../fixtures/eventually.ts";
import { needs } from "../fixtures/needs.ts";
import { openRedis } from "../fixtures/programs/redis-server.ts";
import { ChildRegistry } from "../fixtures/registry/child-registry.ts";
import { claimOf, openRegistry } from "../fixtures/registry/open-registry.ts";

const withRedis = needs("redis-server", test);

for (const [limit, options, code] of [
  ["in a call", { maxSessionsPerCall: 7 }, "CALL_FULL"],
  ["altogether", { maxConcurrentSessions: 7 }, "FLEET_FULL"],
] as const) {
  withRedis(`200 starts at once against a limit of 7 ${limit}, in three processes: exactly 7`, async (t) => {
    const redis = await openRedis(t);
    const open = () => openRegistry(t, redis, options);
    const fleet = await Promise.all([open(), open(), open()]);
    const claims = Array.from({ length: 200 }, () => claimOf("call"));
    const starts = await Promise.allSettled(
      claims.map((claim, index) => fleet[index % 3]!.registry.claim(claim)),
    );
    t.is(starts.filter(({ status }) => status === "fulfilled").length, 7);
    for (const start of starts) if (start.status === "rejected") t.is(start.reason.code, code);

    // Where one ends, another may begin, in another process.
    const admitted = starts.findIndex(({ status }) => status === "fulfilled");
    const owner = fleet[admitted % 3]!;
    const other = fleet[(admitted + 1) % 3]!;
    void owner.registry.end(claims[admitted]!.sessionId, { reason: "finished", endedAt: now() }, null);
    await eventually("there is room", () =>
      other.registry.claim(claimOf("call")).then(
        () => true,
        () => false,
      ),
    );
    for (const { registry } of fleet)
      await t.throwsAsync(registry.claim(claimOf("call")), { message: /maximum/ });
  });
}

for (const [what, limits, same] of [
  ["call", { maxSessionsPerCall: 1 }, true],
  ["fleet", { maxConcurrentSessions: 1 }, false],
] as const) {
  withRedis(`a ${what} that is full tells another process that there is room soon`, async (t) => {
    const redis = await openRedis(t);
    const one = await openRegistry(t, redis, limits);
    const other = await openRegistry(t, redis, limits);
    const claim = claimOf("call");
    await one.registry.claim(claim);
    const again = () => other.registry.claim(claimOf("call")).catch((error: unknown) => error);
    t.false((await again()) instanceof RoomSoon);
    one.registry.leaving(claim.sessionId);
    await eventually("it is known", async () => (await again()) instanceof RoomSoon);
    if (same) {
      await other.registry.claim(claimOf("another"));
      const elsewhere = await other.registry.claim(claimOf("another")).catch((error: unknown) => error);
      t.false(elsewhere instanceof RoomSoon, "it leaves another call");
    }
    void one.registry.end(claim.sessionId, { reason: "closed", endedAt: now() }, null);
    await eventually("there is room", async () => (await again()) === undefined);
    t.false((await again()) instanceof RoomSoon, "nothing of it is left");
  });
}

withRedis("processes know each other's address and room, and who has left", async (t) => {
  const redis = await openRedis(t);
  let state: NodeState = { capacity: 5, free: 5, accepting: true };
  const one = await openRegistry(t, redis, { address: "http://127.0.0.1:1", state: () => state });
  const other = await openRegistry(t, redis);
  t.is(other.registry.peers().length, 1);
  t.like(other.registry.peers()[0], { nodeId: one.nodeId, address: "http://127.0.0.1:1", ...state });
  await eventually("the first learns of the second", () => one.registry.peers().length === 1);
  state = { capacity: 5, free: 0, accepting: false };
  await eventually("its state is told", () => other.registry.peers()[0]?.free === 0);
  await one.registry.close();
  await eventually("it has left", () => other.registry.peers().length === 0);
  t.deepEqual(other.heard.lost, []);
});

withRedis("one key in two processes: one of them runs it, the other waits for its answer", async (t) => {
  const redis = await openRedis(t);
  const [one, other] = [await openRegistry(t, redis), await openRegistry(t, redis)];
  const key = { name: "Ada\nkey", caller: "ann", bodyHash: "body" };
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  const run = async () => {
    runs += 1;
    await gate.promise;
    return { session_id: `run-${runs}` };
  };
  const both = [one.registry.onceByKey(key, run), other.registry.onceByKey(key, run)];
  await eventually("one has begun", () => runs === 1);
  await eventually("the other has asked", async () => ((await redis.calls()).get("get") ?? 0) > 2);
  gate.resolve();
  const results = await Promise.all(both);
  t.is(runs, 1);
  t.deepEqual(
    results.map(({ answer }) => answer),
    [{ session_id: "run-1" }, { session_id: "run-1" }],
  );
  t.deepEqual(results.map(({ replayed }) => replayed).sort(), [false, true]);
  const third = await openRegistry(t, redis);
  await t.throwsAsync(third.registry.onceByKey({ ...key, bodyHash: "other" }, run), { message: /another/ });
  t.true((await third.registry.onceByKey(key, run)).replayed);
});

withRedis("a key whose run failed, or whose process died, is taken over", async (t) => {
  const redis = await openRedis(t);
  const [one, other] = [await openRegistry(t, redis), await openRegistry(t, redis)];
  const key = { name: "key", caller: "ann", bodyHash: "body" };
  const gate = Promise.withResolvers<string>();
  const failing = t.throwsAsync(
    one.registry.onceByKey(key, () => gate.promise),
    { message: "no" },
  );
  await eventually(
    "one has begun",
    async () => ((await redis.command("KEYS", "*:once:*")) as string[]).length === 1,
  );
  const taking = other.registry.onceByKey(key, async () => "taken over");
  gate.reject(new Error("no"));
  await failing;
  t.deepEqual(await taking, { answer: "taken over", replayed: false });

  const victim = await ChildRegistry.open(t, redis, "victim");
  const orphan = { name: "orphan", caller: "ann", bodyHash: "body" };
  await victim.begin(orphan);
  const waiting = one.registry.onceByKey(orphan, async () => "inherited");
  await victim.kill();
  t.deepEqual(await waiting, { answer: "inherited", replayed: false });
});

withRedis("what Redis is asked does not grow with the number of sessions", async (t) => {
  const redis = await openRedis(t);
  const { registry } = await openRegistry(t, redis, { leaseMs: 60_000 });
  // After a heartbeat that was late there is more to do.
  const least = async () => Math.min(await perHeartbeat(), await perHeartbeat());
  const perHeartbeat = async () => {
    await redis.command("CONFIG", "RESETSTAT");
    await eventually("three heartbeats", async () => ((await redis.calls()).get("evalsha") ?? 0) >= 3);
    const calls = await redis.calls();
    const ours = [...calls].filter(([name]) => !["info", "config|resetstat"].includes(name));
    const all = ours.filter(([name]) => !name.startsWith("client") && name !== "evalsha" && name !== "hello");
    const beats = calls.get("evalsha")!;
    return all.reduce((sum, [, count]) => sum + count, 0) / beats;
  };
  for (let i = 0; i < 10; i += 1) await registry.claim(claimOf(`call-${i}`));
  const atTen = await least();
  for (let i = 0; i < 490; i += 1) await registry.claim(claimOf(`call-${i}`));
  const atFiveHundred = await least();
  t.is(await redis.command("HLEN", "{greenroom}:live"), 500);
  t.true(atTen < 25, `${atTen} steps`);
  t.is(atFiveHundred, atTen);
});

withRedis("all keys have one hash tag, and a prefix of one's own keeps two fleets apart", async (t) => {
  const redis = await openRedis(t);
  const one = await openRegistry(t, redis, { keyPrefix: "blue", maxConcurrentSessions: 1 });
  const other = await openRegistry(t, redis, { keyPrefix: "the:{green}", maxConcurrentSessions: 1 });
  for (const { registry } of [one, other]) {
    const claim = claimOf();
    await registry.claim(claim);
    await registry.onceByKey({ name: "key", caller: "ann", bodyHash: "" }, async () => 1);
    void registry.end(claim.sessionId, { reason: "finished", endedAt: now() }, null);
    await registry.claim(claimOf());
  }
  t.deepEqual([one.registry.peers(), other.registry.peers()], [[], []]);
  const keys = (await redis.command("KEYS", "*")) as string[];
  t.true(keys.length > 8);
  for (const key of keys) t.regex(key, /^(\{blue\}|the:\{green\}):/);
});

withRedis("a client that is given stays its owner's, and may need a password", async (t) => {
  const redis = await openRedis(t, { args: ["--requirepass", "secret"] });
  const client = createClient({ url: redis.url, password: "secret" });
  const { registry, heard } = await openRegistry(t, redis, { client });
  await registry.claim(claimOf());
  t.is(heard.away, 0);
  t.false(client.isOpen);
  await registry.close();
  const wrong = await openRegistry(t, redis, { client: createClient({ url: redis.url, password: "no" }) });
  t.is(wrong.heard.away, 1);
});
