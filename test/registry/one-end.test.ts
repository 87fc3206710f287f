import test from "ava";
import type { PeerNode, SessionClaim } from "../../src/registry/registry.ts";
import { now } from "../../src/shared/protocol.ts";
import { eventually } from "../fixtures/eventually.ts";
import { needs } from "../fixtures/needs.ts";
import { openRedis, type RedisServer } from "../fixtures/programs/redis-server.ts";
import { TcpRelay } from "../fixtures/programs/tcp-relay.ts";
import { ChildRegistry } from "../fixtures/registry/child-registry.ts";
import { openRegistry } from "../fixtures/registry/open-registry.ts";

const withRedis = needs("redis-server", test);

/** Resolves after so many scripts: several heartbeats of all that can reach Redis. */
async function scripts(redis: RedisServer, count: number): Promise<void> {
  await redis.command("CONFIG", "RESETSTAT");
  await eventually("heartbeats", async () => ((await redis.calls()).get("evalsha") ?? 0) >= count);
}

withRedis(
  "one that was declared dead wakes in an emptied Redis, before the others have written again: its end does not count",
  async (t) => {
    const redis = await openRedis(t);
    const relay = await TcpRelay.open(t, redis.port);
    const witness = await openRegistry(t, relay, { commandTimeoutMs: 1_000 });
    const sleeper = await ChildRegistry.open(t, redis, "sleeper");
    const [told, live] = (await sleeper.claim("call", 2)).sessionIds as [string, string];
    await scripts(redis, 6);
    sleeper.pause();
    await eventually("both are lost", () => witness.heard.lost.length === 2);
    for (const id of [told, live]) witness.registry.told(id);
    await scripts(redis, 3);

    relay.cut();
    await eventually("the witness is cut off", () => witness.heard.away === 1);
    await redis.command("FLUSHALL");
    sleeper.resume();
    const outcome = sleeper.end(told, "finished after all");
    await scripts(redis, 2);
    t.is(await redis.command("EXISTS", `{greenroom}:ended:${told}`), 0, "it has written nothing yet");
    relay.mend();
    t.is(await outcome, "superseded");
    await eventually("the other one is lost", async () => (await sleeper.heard()).fenced.includes(live));
    t.deepEqual((await sleeper.heard()).delivered, []);
    for (const id of [told, live]) t.like(await witness.registry.find(id), { end: { reason: "lost" } });
    t.is(witness.heard.lost.length, 2);
  },
);

withRedis(
  "an end that was entrusted, written and told is no live session in a Redis that is emptied once more",
  async (t) => {
    const redis = await openRedis(t);
    const relay = await TcpRelay.open(t, redis.port);
    const liveness = async ({ nodeId }: PeerNode) => (nodeId === "victim" ? "gone" : "alive");
    const witness = await openRegistry(t, redis, { liveness });
    const cut = await openRegistry(t, relay, { commandTimeoutMs: 1_000, liveness });
    const victim = await ChildRegistry.open(t, redis, "victim");
    const { sessionIds } = await victim.claim("call", 1);
    const [sessionId] = sessionIds as [string];
    await scripts(redis, 8);
    const found = await witness.registry.find(sessionId);
    const { nodeId, epoch, end: _, owner: __, ...claim } = found!;

    relay.cut();
    await redis.stop();
    await eventually("Redis is away", () => witness.heard.away === 1);
    await victim.kill();
    witness.registry.takeIn({
      claim: claim satisfies SessionClaim,
      owner: { nodeId, epoch, address: null },
      end: { reason: "closed", endedAt: now() },
      body: "closed",
    });
    await redis.restart();
    await eventually("it is told", () => witness.heard.delivered.length === 1);
    witness.registry.told(sessionId);
    await eventually("that is known", async () => {
      return (await redis.command("EXISTS", `{greenroom}:message:${sessionId}`)) === 0;
    });
    await scripts(redis, 2);

    await redis.command("FLUSHALL");
    // It still believes that the session lives, and writes that.
    relay.mend();
    await eventually("it is back", () => cut.heard.back > 0);
    await eventually("the victim is looked for no more", async () => {
      const nodes = (await redis.command("ZRANGE", "{greenroom}:nodes", "0", "-1")) as string[];
      return !nodes.some((node) => node.startsWith("victim"));
    });
    await scripts(redis, 4);
    t.deepEqual([witness.heard.lost, cut.heard.lost], [[], []]);
    t.like(await cut.registry.find(sessionId), { end: { reason: "closed" } });
    t.deepEqual(
      [...witness.heard.delivered, ...cut.heard.delivered].map(({ body }) => body),
      ["closed"],
    );
  },
);
