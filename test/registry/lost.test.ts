import test from "ava";
import { now } from "../../src/shared/protocol.ts";
import { eventually } from "../fixtures/eventually.ts";
import { needs } from "../fixtures/needs.ts";
import { openRedis } from "../fixtures/programs/redis-server.ts";
import { ChildRegistry } from "../fixtures/registry/child-registry.ts";
import { claimOf, openRegistry } from "../fixtures/registry/open-registry.ts";

const withRedis = needs("redis-server", test);

withRedis(
  "a process that is killed: its sessions are lost, and one of the others tells of each, once",
  async (t) => {
    const redis = await openRedis(t);
    const others = await Promise.all([
      openRegistry(t, redis),
      openRegistry(t, redis),
      openRegistry(t, redis),
    ]);
    const child = await ChildRegistry.open(t, redis, "victim", { maxSessionsPerCall: 20 });
    const own = claimOf("own");
    await others[0].registry.claim(own);
    const { sessionIds } = await child.claim("call", 20);
    t.is(sessionIds.length, 20);
    await child.kill();

    const told = () => others.flatMap(({ heard }) => heard.lost);
    await eventually("all are lost", () => told().length >= 20);
    // A dozen heartbeats more: nobody tells anything again.
    await redis.command("CONFIG", "RESETSTAT");
    await eventually("heartbeats", async () => ((await redis.calls()).get("evalsha") ?? 0) >= 12);
    t.true(others.every(({ registry }) => registry.peers().length === 2));
    t.deepEqual(
      told()
        .map(({ sessionId }) => sessionId)
        .sort(),
      [...sessionIds].sort(),
    );
    for (const record of told()) t.like(record, { nodeId: "victim", end: { reason: "lost" } });
    const [anybody] = others;
    t.like(await anybody.registry.find(sessionIds[0]!), { nodeId: "victim", end: { reason: "lost" } });
    t.is((await others[1].registry.find(own.sessionId))?.end, null);
    // Their places in the call are free again.
    const limited = await openRegistry(t, redis, { maxSessionsPerCall: 1 });
    await t.notThrowsAsync(limited.registry.claim(claimOf("call")));
  },
);

withRedis("a process at whose address nobody listens is asked once, and is dead for all", async (t) => {
  const redis = await openRedis(t);
  let asked = 0;
  const liveness = async () => {
    asked += 1;
    return "gone" as const;
  };
  const witness = await openRegistry(t, redis, { liveness });
  const child = await ChildRegistry.open(t, redis, "victim");
  await child.claim("call", 1);
  await child.kill();
  await eventually("it is lost", () => witness.heard.lost.length === 1);
  t.is(asked, 1);
});

withRedis("hundreds of sessions of a dead process are reaped in bounded batches", async (t) => {
  const redis = await openRedis(t);
  const witness = await openRegistry(t, redis);
  const child = await ChildRegistry.open(t, redis, "victim");
  await child.claim("call", 500);
  await child.kill();
  await redis.command("CONFIG", "RESETSTAT");
  await eventually("all are lost", () => witness.heard.lost.length === 500);
  const calls = await redis.calls();
  t.is(calls.get("spop"), 5, "100 at a time");
  t.is(new Set(witness.heard.lost.map(({ sessionId }) => sessionId)).size, 500);
  await eventually("nothing is left", async () => {
    const keys = (await redis.command("KEYS", "*")) as string[];
    return keys.every((key) =>
      /:(birth|epoch|nodes|beat|states|fenced|change-count|changes|since|holds:.+|message:.+|ended:.+)$/.test(
        key,
      ),
    );
  });
});

withRedis(
  "a process that stood still for longer than its lease finds its sessions lost, for good",
  async (t) => {
    const redis = await openRedis(t);
    const witness = await openRegistry(t, redis);
    const child = await ChildRegistry.open(t, redis, "sleeper");
    const { sessionIds } = await child.claim("call", 3);
    const [first, second] = sessionIds as [string, string];
    const before = await witness.registry.find(first);
    child.pause();
    await eventually("all are lost", () => witness.heard.lost.length === 3);
    child.resume();
    await eventually("it has heard so", async () => (await child.heard()).fenced.length === 3);
    t.is(await child.end(second, "finished after all"), "superseded");
    const [mine] = (await child.claim("call", 1)).sessionIds as [string];
    for (const id of sessionIds)
      t.like(await witness.registry.find(id), { end: { reason: "lost" }, epoch: before!.epoch });
    t.true((await witness.registry.find(mine))!.epoch > before!.epoch, "it is another life of the node");
    t.is(witness.heard.lost.length, 3);
    t.deepEqual(
      witness.heard.delivered.map(({ body }) => body).sort(),
      sessionIds.map((id) => `lost ${id}`).sort(),
    );
  },
);

withRedis("after the time for which an end is remembered, what was lost stays so", async (t) => {
  const redis = await openRedis(t);
  const witness = await openRegistry(t, redis);
  const child = await ChildRegistry.open(t, redis, "sleeper");
  const { sessionIds } = await child.claim("call", 2);
  child.pause();
  await eventually("all are lost", () => witness.heard.lost.length === 2);
  // What ten minutes leave of it.
  const [sleeper = ""] = (await redis.command("ZRANGE", "{greenroom}:fenced", "0", "0")) as string[];
  await redis.command("ZADD", "{greenroom}:fenced", String(now() - 600_000), sleeper);
  for (const id of sessionIds) await redis.command("DEL", `{greenroom}:ended:${id}`);
  child.resume();
  await eventually("it has heard so", async () => (await child.heard()).fenced.length === 2);
  t.is(await redis.command("HLEN", "{greenroom}:live"), 0);
  t.is(witness.heard.lost.length, 2);
});

withRedis("Redis is emptied: nobody is given the number of a life that was declared dead", async (t) => {
  const redis = await openRedis(t);
  const victim = await ChildRegistry.open(t, redis, "victim");
  const { sessionIds } = await victim.claim("call", 1);
  const witness = await openRegistry(t, redis);
  const { epoch } = (await witness.registry.find(sessionIds[0]!))!;
  await victim.kill();
  await eventually("its session is lost", () => witness.heard.lost.length === 1);
  t.true(witness.registry.isDeclaredDead("victim", epoch));
  await redis.flush();
  const next = await openRegistry(t, redis, { nodeId: "victim" });
  t.true(next.registry.epoch > epoch);
  t.false(witness.registry.isDeclaredDead("victim", next.registry.epoch));
  const claim = claimOf();
  await next.registry.claim(claim);
  await eventually("the witness has written what it knows", async () => {
    return (await redis.command("ZCARD", "{greenroom}:fenced")) === 1;
  });
  t.is((await witness.registry.find(claim.sessionId))?.end, null);
  t.deepEqual(next.heard.fenced, []);
});

withRedis("clocks that are minutes apart: Redis' own is the one that counts", async (t) => {
  const redis = await openRedis(t);
  const minute = 60_000;
  const witness = await openRegistry(t, redis, { maxSessionsPerCall: 3 });
  const fast = await ChildRegistry.open(t, redis, "fast", {
    clockShiftMs: 7 * minute,
    maxSessionsPerCall: 3,
  });
  const slow = await ChildRegistry.open(t, redis, "slow", {
    clockShiftMs: -7 * minute,
    maxSessionsPerCall: 3,
  });
  t.true(fast.time - now() > 6 * minute && now() - slow.time > 6 * minute);
  const claimed = await Promise.all([fast.claim("call", 5), slow.claim("call", 5)]);
  const ids = claimed.flatMap(({ sessionIds }) => sessionIds);
  t.is(ids.length, 3);
  t.true(claimed.flatMap(({ refused }) => refused).every((code) => code === "CALL_FULL"));

  // Well beyond a lease, by many heartbeats of each.
  await redis.command("CONFIG", "RESETSTAT");
  await eventually("a dozen heartbeats", async () => ((await redis.calls()).get("evalsha") ?? 0) >= 15);
  t.deepEqual(witness.heard.lost, []);
  t.deepEqual(
    witness.registry
      .peers()
      .map(({ nodeId }) => nodeId)
      .sort(),
    ["fast", "slow"],
  );
  for (const id of ids) t.is((await witness.registry.find(id))?.end, null);

  await slow.kill();
  const lost = claimed[1].sessionIds.length;
  await eventually("those of the dead one are lost", async () => {
    const told = witness.heard.lost.length + (await fast.heard()).lost.length;
    return told >= lost && witness.registry.peers().length === 1;
  });
  t.deepEqual((await fast.heard()).fenced, []);
});

withRedis("a lost session that nobody lived to tell of is told by the next", async (t) => {
  const redis = await openRedis(t);
  const victim = await ChildRegistry.open(t, redis, "victim");
  const { sessionIds } = await victim.claim("call", 1);
  await victim.kill();
  // What a reaper leaves that dies as soon as it was given the session.
  await redis.command("DEL", "{greenroom}:nodes");
  const data = String(await redis.command("HGET", "{greenroom}:live", sessionIds[0]!));
  const [header, claim] = data.split("\n") as [string, string];
  const lost = [...(JSON.parse(header) as unknown[]), "lost", String(now())];
  await redis.command(
    "HSET",
    "{greenroom}:untold:reaper#2",
    sessionIds[0]!,
    `${JSON.stringify(lost)}\n${claim}`,
  );
  await redis.command("HDEL", "{greenroom}:live", sessionIds[0]!);
  await redis.command("ZADD", "{greenroom}:nodes", "1", "reaper#2");
  await redis.command("HSET", "{greenroom}:states", "reaper#2", '{"address":null}');
  const witness = await openRegistry(t, redis);
  await eventually("it is told", () => witness.heard.lost.length > 0);
  t.is(witness.heard.lost[0]?.sessionId, sessionIds[0]);
  await eventually("it is acknowledged", async () => {
    const keys = (await redis.command("KEYS", "*untold*")) as string[];
    return keys.length === 0;
  });
  t.is(witness.heard.lost.length, 1);
});
