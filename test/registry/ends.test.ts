import test from "ava";
import { now } from "../../src/shared/protocol.ts";
import { eventually } from "../fixtures/eventually.ts";
import { needs } from "../fixtures/needs.ts";
import { openRedis } from "../fixtures/programs/redis-server.ts";
import { TcpRelay } from "../fixtures/programs/tcp-relay.ts";
import { ChildRegistry } from "../fixtures/registry/child-registry.ts";
import { claimOf, type OpenRegistry, openRegistry } from "../fixtures/registry/open-registry.ts";

const withRedis = needs("redis-server", test);
const finished = () => ({ reason: "finished" as const, endedAt: now() });
const bodies = ({ heard }: OpenRegistry) => heard.delivered.map(({ body }) => body).sort();

withRedis("an end is told by the process that wrote it, until it was told", async (t) => {
  const redis = await openRedis(t);
  const one = await openRegistry(t, redis);
  const other = await openRegistry(t, redis);
  const claim = claimOf();
  await one.registry.claim(claim);
  const end = finished();
  t.is(await one.registry.end(claim.sessionId, end, "the body"), "final");
  t.deepEqual(one.heard.delivered, [{ sessionId: claim.sessionId, since: end.endedAt, body: "the body" }]);
  await eventually("all see that it waits", () => other.registry.waiting.count === 1);
  t.is(other.registry.waiting.oldestSince, end.endedAt);
  one.registry.told(claim.sessionId);
  await eventually("nothing waits", () => other.registry.waiting.count === 0);
  t.is(other.registry.waiting.oldestSince, null);
  const keys = (await redis.command("KEYS", "*")) as string[];
  t.deepEqual(
    keys.filter((key) => /:(message|holds|since|waiting)/.test(key)),
    [],
  );
});

withRedis("kill -9 before the delivery: another process tells the same", async (t) => {
  const redis = await openRedis(t);
  const victim = await ChildRegistry.open(t, redis, "victim");
  const { sessionIds } = await victim.claim("call", 2);
  const [ended, lives] = sessionIds as [string, string];
  t.is(await victim.end(ended, '{"odd":"\\n\\u0000 text"}'), "final");
  const witness = await openRegistry(t, redis);
  await victim.kill();
  await eventually("both are told", () => witness.heard.delivered.length === 2);
  t.deepEqual(bodies(witness), [`lost ${lives}`, '{"odd":"\\n\\u0000 text"}'].sort());
  t.deepEqual(
    witness.heard.lost.map(({ sessionId }) => sessionId),
    [lives],
  );
});

withRedis("a process that leaves hands over at once what it has not told", async (t) => {
  const redis = await openRedis(t);
  const one = await openRegistry(t, redis, { leaseMs: 600_000 });
  const claims = Array.from({ length: 50 }, () => claimOf());
  for (const claim of claims) await one.registry.claim(claim);
  await Promise.all(
    claims.map(({ sessionId }) => one.registry.end(sessionId, finished(), `end ${sessionId}`)),
  );
  await one.registry.close();
  const [a, b] = [await openRegistry(t, redis), await openRegistry(t, redis)];
  await eventually("all are told", () => bodies(a).length + bodies(b).length >= 50);
  t.deepEqual([...bodies(a), ...bodies(b)].sort(), claims.map(({ sessionId }) => `end ${sessionId}`).sort());
});

withRedis("a process without room leaves its messages to those that have some", async (t) => {
  const redis = await openRedis(t);
  let room = 0;
  const full = await openRegistry(t, redis, { room: () => room });
  const claims = [claimOf(), claimOf()];
  for (const claim of claims) await full.registry.claim(claim);
  for (const { sessionId } of claims)
    t.is(await full.registry.end(sessionId, finished(), sessionId), "final");
  t.deepEqual(full.heard.delivered, []);
  await eventually("they wait", () => full.registry.waiting.count === 2);
  room = 1;
  await eventually("one at a time", () => {
    if (full.heard.delivered.length === 1) room = 1;
    return full.heard.delivered.length === 2;
  });
  t.deepEqual(bodies(full), claims.map(({ sessionId }) => sessionId).sort());
});

withRedis("Redis is emptied: what was not told is kept again, and told when its process dies", async (t) => {
  const redis = await openRedis(t);
  const witness = await openRegistry(t, redis);
  const victim = await ChildRegistry.open(t, redis, "victim");
  const { sessionIds } = await victim.claim("call", 1);
  t.is(await victim.end(sessionIds[0]!, "the body"), "final");
  await redis.flush();
  await eventually("it is kept again", async () => {
    return (await redis.command("EXISTS", `{greenroom}:message:${sessionIds[0]}`)) === 1;
  });
  await victim.kill();
  await eventually("it is told", () => witness.heard.delivered.length === 1);
  t.deepEqual(bodies(witness), ["the body"]);
});

withRedis("Redis is away to the end: the others report what they know, the rest is told alone", async (t) => {
  const redis = await openRedis(t);
  const one = await openRegistry(t, redis);
  const [known, unknown] = [claimOf(), claimOf()];
  await one.registry.claim(known);
  await redis.stop();
  await eventually("Redis is away", () => !one.registry.up);
  await one.registry.claim(unknown);
  const ends = [known, unknown].map(({ sessionId }) => one.registry.end(sessionId, finished(), sessionId));
  t.is(one.registry.waiting.count, 2);
  await one.registry.close();
  t.deepEqual(await Promise.all(ends), ["left", "alone"]);
  t.deepEqual(one.heard.delivered, []);
});

withRedis("Redis is emptied: a request with a key is not run again at another process", async (t) => {
  const redis = await openRedis(t);
  const one = await openRegistry(t, redis);
  const other = await openRegistry(t, redis);
  const key = { name: "key", caller: "ann", bodyHash: "body" };
  await one.registry.onceByKey(key, async () => "the first answer");
  await redis.flush();
  await eventually("it is written again", async () => {
    const keys = (await redis.command("KEYS", "*:once:*")) as string[];
    return keys.length === 1;
  });
  const second = await other.registry.onceByKey(key, async () => "another answer");
  t.deepEqual(second, { answer: "the first answer", replayed: true });
});

withRedis("a failover that loses what Redis had confirmed is noticed", async (t) => {
  const redis = await openRedis(t);
  const one = await openRegistry(t, redis);
  const claim = claimOf();
  await one.registry.claim(claim);
  await redis.command("HDEL", "{greenroom}:live", claim.sessionId);
  const owned = `{greenroom}:of:${one.nodeId}#${one.registry.epoch}`;
  await redis.command("DEL", owned);
  await eventually("it is written again", async () => {
    return (await redis.command("HEXISTS", "{greenroom}:live", claim.sessionId)) === 1;
  });
  t.is(await redis.command("SCARD", owned), 1);
});

withRedis(
  "what Redis cannot be told is kept by others: they write it, and report it when its process dies",
  async (t) => {
    const redis = await openRedis(t);
    const relay = await TcpRelay.open(t, redis.port);
    const witness = await openRegistry(t, redis);
    const cut = await openRegistry(t, relay, {
      entrust: async (session) => {
        witness.registry.takeIn(JSON.parse(JSON.stringify(session)));
        return true;
      },
    });
    relay.cut();
    await eventually("Redis is away for one of them", () => !cut.registry.up);
    const [lives, ends, withdrawn] = [claimOf(), claimOf(), claimOf()];
    for (const claim of [lives, ends, withdrawn]) await cut.registry.claim(claim);
    const end = finished();
    const outcome = cut.registry.end(ends.sessionId, end, "the body");
    await cut.registry.withdraw(withdrawn.sessionId);
    await eventually("the live one is known", async () => {
      return (await witness.registry.find(lives.sessionId))?.owner?.nodeId === cut.nodeId;
    });
    await eventually("the end is told", () => witness.heard.delivered.length > 0);
    t.deepEqual(bodies(witness), ["the body"]);
    t.like(await witness.registry.find(ends.sessionId), { end });
    await eventually("the live one is lost with its process", () => witness.heard.lost.length > 0);
    const lost = witness.heard.lost.map(({ sessionId }) => sessionId);
    t.true(lost.includes(lives.sessionId) && !lost.includes(ends.sessionId), lost.join());

    relay.mend();
    t.is(await outcome, "final", "it is the same end");
    await eventually("it has heard that it was held to be dead", () => cut.heard.fenced.length > 0);
    t.deepEqual(cut.heard.fenced, [lives.sessionId]);
  },
);

withRedis("a session that Redis alone holds to be live is withdrawn", async (t) => {
  const redis = await openRedis(t);
  const one = await openRegistry(t, redis);
  const claim = claimOf();
  const owner = { nodeId: one.nodeId, address: null, epoch: one.registry.epoch };
  const other = await openRegistry(t, redis);
  other.registry.takeIn({ claim, owner, end: null, body: null });
  await eventually("it is there", async () => (await other.registry.find(claim.sessionId)) !== null);
  await eventually("it is gone", async () => (await other.registry.find(claim.sessionId)) === null);
  t.is(await redis.command("HLEN", "{greenroom}:live"), 0);
});

withRedis("Redis is emptied while a process leaves: its last end is written again", async (t) => {
  const redis = await openRedis(t);
  const leaving = await openRegistry(t, redis);
  const other = await openRegistry(t, redis);
  const claim = claimOf();
  await leaving.registry.claim(claim);
  await eventually("they know each other", () => leaving.registry.peers().length === 1);
  t.is(await leaving.registry.end(claim.sessionId, finished(), "the body"), "final");
  leaving.registry.told(claim.sessionId);
  const closed = leaving.registry.close();
  await redis.flush();
  await closed;
  t.like(await other.registry.find(claim.sessionId), { end: { reason: "finished" } });
});
