import test from "ava";
import { restore } from "../../src/registry/redis/scripts/nodes.ts";
import { ownerOf, ownSession } from "../../src/registry/redis/sessions/records.ts";
import { SealedTexts } from "../../src/registry/redis/succession/sealed-text.ts";
import { eventually } from "../fixtures/eventually.ts";
import { needs } from "../fixtures/needs.ts";
import { openRedis, type RedisServer } from "../fixtures/programs/redis-server.ts";
import { ChildRegistry } from "../fixtures/registry/child-registry.ts";
import { claimOf, type OpenRegistry, openRegistry } from "../fixtures/registry/open-registry.ts";

const withRedis = needs("redis-server", test);
const orphans = "{greenroom}:orphans";

const statesIn = async (redis: RedisServer) =>
  ((await redis.command("KEYS", "*:state:*")) as string[]).length;

/** A process with sessions that others may go on with, once Redis has what they need. */
async function victimOf(t: Parameters<typeof openRegistry>[0], redis: RedisServer, count: number) {
  const child = await ChildRegistry.open(t, redis, "victim", { carries: true });
  const { sessionIds } = await child.claim("call", count);
  await eventually("the states are written", async () => (await statesIn(redis)) === count);
  return { child, sessionIds };
}

/** A process with room for forty sessions, less those that it has adopted. */
async function roomy(t: Parameters<typeof openRegistry>[0], redis: RedisServer): Promise<OpenRegistry> {
  let opened: OpenRegistry | undefined;
  const free = () => 40 - (opened?.heard.adopted.length ?? 0);
  opened = await openRegistry(t, redis, {
    state: () => ({ capacity: 40, free: free(), accepting: true }),
    adoptable: free,
  });
  return opened;
}

const adoptedBy = ({ heard }: OpenRegistry) => heard.adopted.map(({ record }) => record.sessionId);

withRedis(
  "sessions of a process that is killed go on in the others, each in one, with what it wrote of them",
  async (t) => {
    const redis = await openRedis(t);
    const others = await Promise.all([roomy(t, redis), roomy(t, redis)]);
    const { child, sessionIds } = await victimOf(t, redis, 20);
    await child.kill();
    await eventually("all are adopted", () => others.flatMap(adoptedBy).length >= 20);
    t.deepEqual(others.flatMap(adoptedBy).sort(), [...sessionIds].sort());
    for (const other of others) {
      t.true(adoptedBy(other).length >= 5, "they are spread");
      for (const { record, carried } of other.heard.adopted) {
        t.is(carried, `state of ${record.sessionId}`);
        t.like(record, { nodeId: "victim", callId: "call", end: null });
        t.like(await others[0].registry.find(record.sessionId), { nodeId: other.nodeId, end: null });
      }
    }
    t.true(others.every(({ heard }) => heard.lost.length === 0));
    // A session that was adopted ends as any other.
    const [sessionId = ""] = adoptedBy(others[0]);
    const end = { reason: "finished", endedAt: Date.now() } as const;
    t.is(await others[0].registry.end(sessionId, end, null), "final");
    t.like(await others[1].registry.find(sessionId), { nodeId: others[0].nodeId, end });
    await eventually("nothing is kept of it", async () => {
      const keys = (await redis.command("KEYS", `*:state:${sessionId}`)) as string[];
      return keys.length === 0;
    });
  },
);

withRedis(
  "a process that stood still until its sessions were adopted has them no more, and cannot end them",
  async (t) => {
    const redis = await openRedis(t);
    const other = await openRegistry(t, redis);
    const { child, sessionIds } = await victimOf(t, redis, 2);
    child.pause();
    await eventually("all are adopted", () => adoptedBy(other).length === 2);
    child.resume();
    const [first = "", second = ""] = sessionIds;
    t.is(await child.end(first), "superseded");
    await eventually("it is told", async () => (await child.heard()).fenced.includes(second));
    for (const sessionId of sessionIds)
      t.like(await other.registry.find(sessionId), { nodeId: other.nodeId, end: null });
    t.deepEqual((await child.heard()).lost, []);
  },
);

withRedis("sessions for which nobody has room wait, and then go to a process that has", async (t) => {
  const redis = await openRedis(t);
  const full = await openRegistry(t, redis, { adoptable: () => 0 });
  const { child, sessionIds } = await victimOf(t, redis, 3);
  await child.kill();
  await eventually("they wait", async () => (await redis.command("ZCARD", orphans)) === 3);
  t.like(await full.registry.find(sessionIds[0]!), { nodeId: "victim", end: null, owner: null });
  const late = await openRegistry(t, redis);
  await eventually("all are adopted", () => adoptedBy(late).length === 3);
  t.deepEqual(full.heard.lost, []);
});

withRedis(
  "a session for which there is no room at the moment of its adoption is offered again, and waits no longer for that",
  async (t) => {
    const redis = await openRedis(t);
    let isFull = true;
    const other = await openRegistry(t, redis, { adoption: () => (isFull ? "later" : "taken") });
    const { child, sessionIds } = await victimOf(t, redis, 1);
    const [sessionId = ""] = sessionIds;
    const since = () => redis.command("ZSCORE", orphans, sessionId);
    await child.kill();
    await eventually(
      "it is given back",
      async () => other.heard.adopted.length > 0 && (await since()) !== null,
    );
    const first = await since();
    await eventually("it is offered again, and given back", async () => {
      const isAgain = other.heard.adopted.length > 2;
      return isAgain && (await since()) !== null;
    });
    t.is(await since(), first);
    t.like(await other.registry.find(sessionId), { nodeId: "victim", end: null });
    isFull = false;
    await eventually(
      "it goes on",
      async () => (await other.registry.find(sessionId))?.nodeId === other.nodeId,
    );
    t.is(await redis.command("HGET", "{greenroom}:adoptions", sessionId), "1");
    t.deepEqual(other.heard.lost, []);
  },
);

withRedis("sessions that wait too long for room are lost, and told once", async (t) => {
  const redis = await openRedis(t);
  const full = await Promise.all([
    openRegistry(t, redis, { adoptable: () => 0 }),
    openRegistry(t, redis, { adoptable: () => 0 }),
  ]);
  const { child, sessionIds } = await victimOf(t, redis, 3);
  await child.kill();
  await eventually("they wait", async () => (await redis.command("ZCARD", orphans)) === 3);
  for (const sessionId of sessionIds) await redis.command("ZADD", orphans, "1", sessionId);
  const told = () => full.flatMap(({ heard }) => heard.lost);
  await eventually("they are lost", () => told().length >= 3);
  t.deepEqual(
    told()
      .map(({ sessionId }) => sessionId)
      .sort(),
    [...sessionIds].sort(),
  );
  t.is(await statesIn(redis), 0);
});

withRedis("a session that was adopted three times is lost with its next process", async (t) => {
  const redis = await openRedis(t);
  const other = await openRegistry(t, redis);
  const { child, sessionIds } = await victimOf(t, redis, 1);
  const [sessionId = ""] = sessionIds;
  await redis.command("HSET", "{greenroom}:adoptions", sessionId, "3");
  await child.kill();
  await eventually("it is lost", () => other.heard.lost.length === 1);
  t.deepEqual(adoptedBy(other), []);
});

withRedis(
  "what Redis keeps of a call is encrypted where there is a key, and opened by any of the keys",
  async (t) => {
    const redis = await openRedis(t);
    const [before, after] = ["a".repeat(32), "b".repeat(32)];
    const claim = claimOf();
    const other = await openRegistry(t, redis, { stateKey: `${after} ${before}` });
    const owner = await openRegistry(t, redis, { stateKey: before, carried: () => "secret words" });
    await owner.registry.claim(claim);
    owner.registry.successions?.changed(claim.sessionId);
    await eventually("it is written", async () => (await statesIn(redis)) === 1);
    const kept = String(await redis.command("GET", `{greenroom}:state:${claim.sessionId}`));
    t.regex(kept, /^sealed /);
    t.is(new SealedTexts([after, before]).open(claim.sessionId, kept), "secret words");
    t.throws(() => new SealedTexts([before]).open("another session", kept));
    t.throws(() => new SealedTexts([after]).open(claim.sessionId, kept), { message: /does not have/ });
    t.is(other.heard.adopted.length, 0);
  },
);

withRedis("a session is taken over from the process that has it, and from no other", async (t) => {
  const redis = await openRedis(t);
  const [one, two, three] = await Promise.all([
    openRegistry(t, redis),
    openRegistry(t, redis),
    openRegistry(t, redis),
  ]);
  const claim = claimOf();
  await one.registry.claim(claim);
  const owner = { nodeId: one.nodeId, epoch: one.registry.epoch };
  t.true(await two.registry.successions?.takeOver(claim, owner));
  one.registry.successions?.moved(claim.sessionId);
  t.true(await two.registry.successions?.takeOver(claim, owner), "again, since an answer may not come");
  const now = { nodeId: two.nodeId, epoch: two.registry.epoch };
  t.deepEqual(await one.registry.successions?.ownerOf(claim.sessionId), now);
  t.false(await three.registry.successions?.takeOver(claim, owner));
  t.like(await three.registry.find(claim.sessionId), { nodeId: two.nodeId, end: null });
  t.is(await one.registry.end(claim.sessionId, { reason: "finished", endedAt: 1 }, null), "superseded");
  t.true(await one.registry.successions?.takeOver(claim, now), "it may be taken back");
  t.is((await two.registry.successions?.ownerOf(claim.sessionId))?.nodeId, one.nodeId);
  // The places in the call are as many as before.
  t.is(await redis.command("HLEN", "{greenroom}:live"), 1);
  t.deepEqual(await redis.command("HVALS", "{greenroom}:calls"), ["1"]);
});

withRedis(
  "a session that has just changed hands as Redis is emptied stays with its new owner, whatever others still believe",
  async (t) => {
    const redis = await openRedis(t);
    const [one, two] = await Promise.all([openRegistry(t, redis), openRegistry(t, redis)]);
    for (const isOver of [false, true]) {
      const claim = claimOf();
      await one.registry.claim(claim);
      const before = ownerOf(one.nodeId, one.registry.epoch);
      const from = { nodeId: one.nodeId, epoch: one.registry.epoch };
      t.true(await two.registry.successions?.takeOver(claim, from));
      one.registry.successions?.moved(claim.sessionId);
      await redis.command("FLUSHALL");
      // A third process, which has not heard of the change, is the first to write what it knows.
      const { call, json } = ownSession(claim);
      const session = [claim.sessionId, before, call, json];
      const known = ["1", before, "{}", "0", "1", ...session, "0", "0"];
      await redis.command("EVAL", restore.source, "1", "{greenroom}", "10000", ...known);
      const end = { reason: "closed", endedAt: Date.now() } as const;
      if (isOver) t.is(await two.registry.end(claim.sessionId, end, null), "final");
      else
        await eventually(
          "its owner is known",
          async () => (await one.registry.find(claim.sessionId))?.nodeId === two.nodeId,
        );
      t.like(await one.registry.find(claim.sessionId), { end: isOver ? end : null });
    }
    t.deepEqual([one.heard.fenced, two.heard.fenced, one.heard.lost, two.heard.lost], [[], [], [], []]);
  },
);

withRedis("states are written again to a Redis that was emptied", async (t) => {
  const redis = await openRedis(t);
  const { registry } = await openRegistry(t, redis, { carried: (sessionId) => `state of ${sessionId}` });
  const claim = claimOf();
  await registry.claim(claim);
  registry.successions?.changed(claim.sessionId);
  await eventually("it is written", async () => (await statesIn(redis)) === 1);
  await redis.command("FLUSHALL");
  await eventually("it is written again", async () => (await statesIn(redis)) === 1);
  t.is((await registry.find(claim.sessionId))?.end, null);
});

withRedis("a session that one process cannot decrypt is left to another one that has the key", async (t) => {
  const redis = await openRedis(t);
  const key = "k".repeat(32);
  const without = await openRegistry(t, redis);
  const child = await ChildRegistry.open(t, redis, "victim", { carries: true, stateKey: key });
  const { sessionIds } = await child.claim("call", 2);
  await eventually("the states are written", async () => (await statesIn(redis)) === 2);
  await child.kill();
  await eventually("it cannot read them", () => without.heard.adopted.length === 2);
  t.true(without.heard.adopted.every(({ carried }) => carried instanceof Error));
  t.like(await without.registry.find(sessionIds[0]!), { nodeId: "victim", end: null });
  const having = await openRegistry(t, redis, { stateKey: key });
  await eventually("they are adopted", () => adoptedBy(having).length === 2);
  t.true(having.heard.adopted.every(({ record, carried }) => carried === `state of ${record.sessionId}`));
  t.is(without.heard.adopted.length, 2, "it does not try again");
  t.deepEqual(without.heard.lost, []);
});
