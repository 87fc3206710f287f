import test from "ava";
import type { PeerNode } from "../../src/registry/registry.ts";
import { eventually } from "../fixtures/eventually.ts";
import { needs } from "../fixtures/needs.ts";
import { openRedis } from "../fixtures/programs/redis-server.ts";
import { TcpRelay } from "../fixtures/programs/tcp-relay.ts";
import { ChildRegistry } from "../fixtures/registry/child-registry.ts";
import { claimOf, type OpenRegistry, openRegistry } from "../fixtures/registry/open-registry.ts";

const withRedis = needs("redis-server", test);
const bodies = ({ heard }: OpenRegistry) => heard.delivered.map(({ body }) => body).sort();

withRedis("kill -9 and Redis emptied within the lease: the others know whom the dead one had", async (t) => {
  const redis = await openRedis(t);
  const limits = { maxSessionsPerCall: 350 };
  const witnesses = [await openRegistry(t, redis, limits), await openRegistry(t, redis, limits)] as const;
  const own = claimOf("own");
  await witnesses[0].registry.claim(own);
  const victim = await ChildRegistry.open(t, redis, "victim", { ...limits, leaseMs: 6_000 });
  const { sessionIds } = await victim.claim("call", 300);
  t.is(sessionIds.length, 300);
  const [over, ...live] = sessionIds as [string, ...string[]];
  await victim.end(over);
  // What the others have heard: two heartbeats of each.
  await redis.command("CONFIG", "RESETSTAT");
  await eventually("heartbeats", async () => ((await redis.calls()).get("evalsha") ?? 0) >= 6);
  await victim.kill();
  await redis.flush();
  await eventually("the session is not denied", async () => {
    return (await witnesses[1].registry.find(live[0]!).catch(() => null)) !== null;
  });
  const told = () => witnesses.flatMap(({ heard }) => heard.lost);
  await eventually("all are lost", () => told().length >= live.length);
  t.deepEqual(
    told()
      .map(({ sessionId }) => sessionId)
      .sort(),
    [...live].sort(),
  );
  t.is((await witnesses[1].registry.find(own.sessionId))?.end, null);
  t.deepEqual(
    witnesses.flatMap(({ heard }) => heard.fenced),
    [],
  );
});

withRedis("who was declared dead stays so, also where Redis forgets it", async (t) => {
  const redis = await openRedis(t);
  const witness = await openRegistry(t, redis);
  const child = await ChildRegistry.open(t, redis, "sleeper");
  const { sessionIds } = await child.claim("call", 2);
  child.pause();
  await eventually("both are lost", () => witness.heard.lost.length === 2);
  await redis.command("CONFIG", "RESETSTAT");
  await eventually("heartbeats", async () => ((await redis.calls()).get("evalsha") ?? 0) >= 2);
  await redis.flush();
  await eventually("it is known again", async () => {
    return (await redis.command("ZCARD", "{greenroom}:fenced")) === 1;
  });
  child.resume();
  await eventually("it has heard so", async () => (await child.heard()).fenced.length === 2);
  for (const id of sessionIds) t.like(await witness.registry.find(id), { end: { reason: "lost" } });
  t.is(witness.heard.lost.length, 2);
});

withRedis("Redis comes back with old data: what was reported as lost keeps its end", async (t) => {
  const redis = await openRedis(t);
  const witness = await openRegistry(t, redis);
  const other = await openRegistry(t, redis);
  const victim = await ChildRegistry.open(t, redis, "victim");
  const { sessionIds } = await victim.claim("call", 3);
  await redis.command("SAVE");
  await victim.kill();
  const told = () => [...witness.heard.lost, ...other.heard.lost];
  await eventually("all are lost", () => told().length === 3);
  const ends = await Promise.all(sessionIds.map((id) => witness.registry.find(id)));
  const { epoch } = ends[0]!;
  await redis.stop();
  await redis.restart();
  await eventually("the dead one has been looked for again", async () => {
    return other.registry.up && (await redis.command("ZCARD", "{greenroom}:nodes")) === 2;
  });
  await eventually("nothing of it is left", async () => {
    return (await redis.command("EXISTS", `{greenroom}:of:victim#${epoch}`, "{greenroom}:dead")) === 0;
  });
  t.is(told().length, 3);
  for (const [index, id] of sessionIds.entries()) {
    t.is((await other.registry.find(id))?.end?.endedAt, ends[index]?.end?.endedAt);
  }
});

withRedis("a process that joins later knows the messages that wait already", async (t) => {
  const redis = await openRedis(t);
  const victim = await ChildRegistry.open(t, redis, "victim");
  const { sessionIds } = await victim.claim("call", 1);
  t.is(await victim.end(sessionIds[0]!, "the body"), "final");
  const witness = await openRegistry(t, redis);
  await redis.command("CONFIG", "RESETSTAT");
  await eventually("heartbeats", async () => ((await redis.calls()).get("evalsha") ?? 0) >= 3);
  await victim.kill();
  await redis.flush();
  await eventually("it is told", () => witness.heard.delivered.length === 1);
  t.deepEqual(bodies(witness), ["the body"]);
});

withRedis(
  "kill -9 and Redis emptied: an end that was told is no live session to one that was cut off meanwhile",
  async (t) => {
    const redis = await openRedis(t);
    const relay = await TcpRelay.open(t, redis.port);
    const liveness = async ({ nodeId }: PeerNode) => (nodeId === "victim" ? "gone" : "alive");
    const witness = await openRegistry(t, redis, { liveness });
    const cut = await openRegistry(t, relay, { commandTimeoutMs: 1_000, liveness });
    const victim = await ChildRegistry.open(t, redis, "victim");
    const { sessionIds } = await victim.claim("call", 3);
    await eventually("all know of them", async () => {
      return (await cut.registry.find(sessionIds[0]!).catch(() => null)) !== null;
    });
    await redis.command("CONFIG", "RESETSTAT");
    await eventually("heartbeats", async () => ((await redis.calls()).get("evalsha") ?? 0) >= 8);
    relay.cut();
    for (const id of sessionIds) await victim.end(id, null);
    await redis.command("CONFIG", "RESETSTAT");
    await eventually("more heartbeats", async () => ((await redis.calls()).get("evalsha") ?? 0) >= 6);
    await victim.kill();
    await redis.flush();
    // It writes what it knew, which is old.
    relay.mend();
    await eventually("it is back", () => cut.heard.back > 0);
    const reasons = () =>
      Promise.all(sessionIds.map(async (id) => (await witness.registry.find(id))?.end?.reason));
    await eventually("their ends are known again", async () => {
      return (await reasons()).every((reason) => reason === "finished");
    });
    await eventually("the victim is looked for no more", async () => {
      const nodes = (await redis.command("ZRANGE", "{greenroom}:nodes", "0", "-1")) as string[];
      return !nodes.some((node) => node.startsWith("victim"));
    });
    t.deepEqual([witness.heard.lost, cut.heard.lost], [[], []]);
    t.deepEqual(await reasons(), ["finished", "finished", "finished"]);
  },
);

withRedis("kill -9 and Redis emptied: what waited to be told is told by those that knew of it", async (t) => {
  const redis = await openRedis(t);
  const witness = await openRegistry(t, redis);
  const victim = await ChildRegistry.open(t, redis, "victim");
  const { sessionIds } = await victim.claim("call", 2);
  for (const id of sessionIds) t.is(await victim.end(id, `end of ${id}`), "final");
  await eventually("the witness has heard of it", () => witness.registry.waiting.count === 2);
  await victim.kill();
  await redis.flush();
  await eventually("all is told", () => witness.heard.delivered.length === 2);
  t.deepEqual(bodies(witness), sessionIds.map((id) => `end of ${id}`).sort());
  t.deepEqual(witness.heard.lost, []);
});
