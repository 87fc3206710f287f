import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { Availability } from "../../src/registry/availability.ts";
import type { EntrustedSession, Liveness, PeerNode } from "../../src/registry/registry.ts";
import { now } from "../../src/shared/protocol.ts";
import { eventually } from "../fixtures/eventually.ts";
import { needs } from "../fixtures/needs.ts";
import { openRedis } from "../fixtures/programs/redis-server.ts";
import { TcpRelay } from "../fixtures/programs/tcp-relay.ts";
import { ChildRegistry } from "../fixtures/registry/child-registry.ts";
import { claimOf, type OpenRegistry, openRegistry } from "../fixtures/registry/open-registry.ts";

const withRedis = needs("redis-server", test);
const ended = () => ({ reason: "finished" as const, endedAt: now() });
/** Beside much other work a command may take too long before a test does anything: Redis is then away and back once more. */
const away = ({ heard }: OpenRegistry) => eventually("Redis is away", () => heard.away > heard.back);
const back = ({ heard }: OpenRegistry) =>
  eventually("Redis is back", () => heard.back > 0 && heard.back === heard.away);

withRedis(
  "Redis stops and comes back empty: all is written again, what happened meanwhile too",
  async (t) => {
    const redis = await openRedis(t);
    const one = await openRegistry(t, redis, { maxSessionsPerCall: 2 });
    const other = await openRegistry(t, redis);
    const [before, endsMeanwhile, endedBefore] = [claimOf("call"), claimOf("b"), claimOf("c")];
    for (const claim of [before, endsMeanwhile, endedBefore]) await one.registry.claim(claim);
    void one.registry.end(endedBefore.sessionId, ended(), null);

    await redis.stop();
    await Promise.all([away(one), away(other)]);
    t.false(one.registry.up);
    const [meanwhile, shortLived] = [claimOf("call"), claimOf("d")];
    await one.registry.claim(meanwhile);
    await one.registry.claim(shortLived);
    await t.throwsAsync(one.registry.claim(claimOf("call")), { message: /this call/ }, "by its own sessions");
    void one.registry.end(shortLived.sessionId, ended(), null);
    void one.registry.end(endsMeanwhile.sessionId, ended(), null);
    t.is((await one.registry.find(before.sessionId))?.end, null, "its own sessions it knows");
    await t.throwsAsync(one.registry.find("another's"), { message: /cannot be reached/ });

    await redis.restart();
    await Promise.all([back(one), back(other)]);
    t.true(one.registry.up);
    for (const { sessionId } of [before, meanwhile]) t.is((await other.registry.find(sessionId))?.end, null);
    for (const { sessionId } of [shortLived, endsMeanwhile, endedBefore]) {
      t.is((await other.registry.find(sessionId))?.end?.reason, "finished");
    }
    await t.throwsAsync(one.registry.claim(claimOf("call")), { message: /this call/ });
    t.deepEqual(
      [one.heard.away, one.heard.back, one.heard.lost.length],
      [1, 1, 0],
      one.heard.causes.join("; "),
    );
  },
);

withRedis("while Redis is away starts may be refused", async (t) => {
  const redis = await openRedis(t);
  const { registry, heard } = await openRegistry(t, redis, { whileAway: "refuse" });
  await redis.stop();
  await eventually("Redis is away", () => heard.away >= 1);
  await t.throwsAsync(registry.claim(claimOf()), { message: /cannot be reached/ });
  await redis.restart();
  await eventually("Redis is back", () => heard.back >= 1);
  await t.notThrowsAsync(registry.claim(claimOf()));
});

withRedis("Redis that is not there yet: the registry opens, and takes part once it is", async (t) => {
  const redis = await openRedis(t);
  await redis.stop();
  const one = await openRegistry(t, redis, { commandTimeoutMs: 200 });
  t.is(one.heard.away, 1);
  t.false(one.registry.up);
  const claim = claimOf();
  await one.registry.claim(claim);
  await redis.restart();
  const other = await openRegistry(t, redis);
  await back(one);
  t.like(await other.registry.find(claim.sessionId), { nodeId: one.nodeId, end: null });
});

for (const whileAway of ["allow", "refuse"] as const) {
  withRedis(`Redis stands still: starts wait no longer than a command may (${whileAway})`, async (t) => {
    const redis = await openRedis(t);
    const one = await openRegistry(t, redis, { whileAway, commandTimeoutMs: 1_000, leaseMs: 60_000 });
    // A busy machine may answer the first one too late as well.
    let first = claimOf();
    await eventually("a start", () => {
      first = claimOf();
      return one.registry.claim(first).then(
        () => true,
        () => false,
      );
    });
    redis.pause();
    const starts = Array.from({ length: 20 }, () => claimOf());
    const results = await Promise.allSettled(starts.map((claim) => one.registry.claim(claim)));
    await t.throwsAsync(one.registry.find("another's"), { message: /cannot be reached/ });
    void one.registry.end(first.sessionId, ended(), null);
    t.false(one.registry.up, "it is still standing");
    const allowed = results.filter(({ status }) => status === "fulfilled").length;
    t.is(allowed, whileAway === "allow" ? 20 : 0);

    redis.resume();
    await eventually("Redis is back", () => one.heard.back === one.heard.away);
    await eventually("what Redis took too late counts as it should", async () => {
      return (await redis.command("HLEN", "{greenroom}:live")) === allowed;
    });
    t.deepEqual(one.heard.lost, []);
  });
}

withRedis(
  "a start that was refused while Redis stood still has no place, though Redis took it in",
  async (t) => {
    const redis = await openRedis(t);
    const limits = { maxSessionsPerCall: 1 };
    const one = await openRegistry(t, redis, { ...limits, commandTimeoutMs: 1_000, leaseMs: 60_000 });
    redis.pause();
    const claims = [claimOf("call"), claimOf("call")];
    const results = await Promise.allSettled(claims.map((claim) => one.registry.claim(claim)));
    const [admitted, ...more] = claims.filter((_, index) => results[index]?.status === "fulfilled");
    t.deepEqual(more, []);
    redis.resume();
    await back(one);
    await eventually("Redis has the one that is there", async () => {
      const live = await redis.command("HKEYS", "{greenroom}:live");
      return JSON.stringify(live) === JSON.stringify([admitted?.sessionId]);
    });
    void one.registry.end(admitted!.sessionId, ended(), null);
    await eventually("the call is free", async () => (await redis.command("HLEN", "{greenroom}:live")) === 0);
    await t.notThrowsAsync(one.registry.claim(claimOf("call")));
  },
);

withRedis("Redis stands still for longer than a lease: nobody is held to be dead", async (t) => {
  const redis = await openRedis(t);
  const leaseMs = 3_000;
  const open = () => openRegistry(t, redis, { commandTimeoutMs: 2_000, leaseMs });
  const fleet = [await open(), await open(), await open()];
  const claims = fleet.map(() => claimOf());
  for (const [index, { registry }] of fleet.entries()) await registry.claim(claims[index]!);
  redis.pause();
  await Promise.all(fleet.map(away));
  await sleep(leaseMs + 1_000);
  redis.resume();
  await Promise.all(fleet.map(back));
  for (const { registry, heard } of fleet) {
    for (const { sessionId } of claims) {
      t.like(await registry.find(sessionId), { end: null });
    }
    t.deepEqual([heard.lost.length, heard.fenced.length], [0, 0]);
  }
  const [dead, ...others] = fleet;
  await dead!.registry.close();
  await eventually("who really leaves is found", () => {
    return others.reduce((sum, { heard }) => sum + heard.lost.length, 0) === 1;
  });
});

withRedis("Redis is emptied: sessions, ends and limits are there again", async (t) => {
  const redis = await openRedis(t);
  const one = await openRegistry(t, redis, { maxSessionsPerCall: 1 });
  const other = await openRegistry(t, redis, { maxSessionsPerCall: 1 });
  const [live, over] = [claimOf("call"), claimOf("over")];
  await one.registry.claim(live);
  await one.registry.claim(over);
  void one.registry.end(over.sessionId, ended(), null);
  const { epoch } = (await one.registry.find(live.sessionId))!;
  await redis.flush();
  // Where its own node comes first, that registers anew, with a later epoch. Where the other one does, it writes the node as it knew it,
  // which then goes on in the same life.
  await eventually("the session is there again", async () => {
    const found = await other.registry.find(live.sessionId);
    if (found) t.like(found, { nodeId: one.nodeId, end: null });
    return found !== null && found.epoch >= epoch;
  });
  t.is((await other.registry.find(over.sessionId))?.end?.reason, "finished");
  await t.throwsAsync(other.registry.claim(claimOf("call")), { message: /this call/ });
  await eventually(
    "they see each other",
    () => one.registry.peers().length + other.registry.peers().length === 2,
  );
  t.deepEqual([one.heard.away, other.heard.away], [0, 0], "it never was away");
});

withRedis("a start right after Redis was emptied registers the node anew", async (t) => {
  const redis = await openRedis(t);
  const one = await openRegistry(t, redis, { whileAway: "refuse" });
  const [before, after] = [claimOf(), claimOf()];
  await one.registry.claim(before);
  const { epoch } = (await one.registry.find(before.sessionId))!;
  await redis.flush();
  await one.registry.claim(after);
  t.is(await redis.command("HLEN", "{greenroom}:live"), 2);
  for (const { sessionId } of [before, after]) t.true((await one.registry.find(sessionId))!.epoch > epoch);
  t.is(one.heard.away, 0);
});

withRedis("one process is cut off from Redis for longer than its lease, and comes back", async (t) => {
  const redis = await openRedis(t);
  const relay = await TcpRelay.open(t, redis.port);
  const cut = await openRegistry(t, relay);
  const witness = await openRegistry(t, redis);
  const [stays, ends] = [claimOf(), claimOf()];
  await cut.registry.claim(stays);
  await cut.registry.claim(ends);
  relay.cut();
  await eventually("its sessions are held to be lost", () => witness.heard.lost.length === 2);
  t.is(cut.heard.away, 1);
  const meanwhile = claimOf();
  await cut.registry.claim(meanwhile);
  const end = cut.registry.end(ends.sessionId, ended(), "finished");
  relay.mend();
  await back(cut);
  t.like(await witness.registry.find(meanwhile.sessionId), { end: null }, "nobody knew of it");
  for (const { sessionId } of [stays, ends])
    t.like(await witness.registry.find(sessionId), { end: { reason: "lost" } });
  t.is(await end, "superseded");
  t.deepEqual(cut.heard.fenced, [stays.sessionId]);
  t.deepEqual(cut.heard.delivered, []);
  t.is(witness.heard.lost.length, 2);
});

withRedis("Redis stands still as a session ends: others keep the end, and it may be shown", async (t) => {
  const redis = await openRedis(t);
  const kept: EntrustedSession[] = [];
  let isTaken = true;
  const entrust = async (session: EntrustedSession) => {
    if (isTaken) kept.push(session);
    return isTaken;
  };
  const one = await openRegistry(t, redis, { commandTimeoutMs: 1_000, leaseMs: 60_000, entrust });
  await openRegistry(t, redis, { leaseMs: 60_000 });
  await eventually("they know each other", () => one.registry.peers().length === 1);
  const [first, second, third] = [claimOf(), claimOf(), claimOf()];
  for (const claim of [first, second, third]) await one.registry.claim(claim);
  redis.pause();
  const ends = [one.registry.end(first.sessionId, ended(), "first")];
  await away(one);
  ends.push(one.registry.end(second.sessionId, ended(), "second"));
  await eventually("both are kept", () => one.heard.mayShow.length === 2);
  t.deepEqual(
    kept.flatMap(({ end, body }) => (end === null ? [] : body)),
    ["first", "second"],
  );
  isTaken = false;
  ends.push(one.registry.end(third.sessionId, ended(), "third"));
  redis.resume();
  t.deepEqual(await Promise.all(ends), ["final", "final", "final"]);
  t.deepEqual(one.heard.mayShow, [first.sessionId, second.sessionId], "what nobody keeps is not shown");
});

withRedis(
  "Redis stops right after a process wrote to it: others are handed what they may not have heard of",
  async (t) => {
    const redis = await openRedis(t);
    const kept: EntrustedSession[] = [];
    const entrust = async (session: EntrustedSession) => {
      kept.push(JSON.parse(JSON.stringify(session)));
      return true;
    };
    const writer = await openRegistry(t, redis, { nodeId: "writer", leaseMs: 60_000, entrust });
    const [lives, told, waits] = [claimOf(), claimOf(), claimOf()];

    for (const claim of [lives, told, waits]) await writer.registry.claim(claim);
    const end = ended();
    t.is(await writer.registry.end(told.sessionId, end, "told"), "final");
    writer.registry.told(told.sessionId);
    t.is(await writer.registry.end(waits.sessionId, end, "waits"), "final");
    await redis.stop();
    await away(writer);
    await eventually("all three are kept", () => kept.length === 3);
    const of = ({ sessionId }: { readonly sessionId: string }) =>
      kept.find(({ claim }) => claim.sessionId === sessionId);
    t.like(of(lives), { owner: { nodeId: "writer", epoch: writer.registry.epoch }, end: null, body: null });
    t.like(of(told), { end, body: null });
    t.like(of(waits), { end, body: "waits" });
  },
);

withRedis("one that was cut off hears from a peer that it was declared dead", async (t) => {
  const redis = await openRedis(t);
  const relay = await TcpRelay.open(t, redis.port);
  const witness = await openRegistry(t, redis);
  let reachable = false;
  const asked: Array<{ peer: string; epoch: number }> = [];
  const cut = await openRegistry(t, relay, {
    nodeId: "cut",
    declaredDead: async (peer, epoch) => {
      if (!reachable) return null;
      asked.push({ peer: peer.nodeId, epoch });
      return witness.registry.isDeclaredDead("cut", epoch);
    },
  });
  const [stays, other] = [claimOf(), claimOf()];
  await cut.registry.claim(stays);
  await witness.registry.claim(other);
  await eventually("they know each other", () => cut.registry.peers().length === 1);
  const { epoch } = cut.registry;
  relay.cut();
  await eventually("its session is lost", () => witness.heard.lost.length === 1);
  await cut.registry.claim(claimOf());
  reachable = true;
  await eventually("it has heard so", () => cut.heard.fenced.length === 1);
  t.deepEqual(cut.heard.fenced, [stays.sessionId]);
  t.deepEqual(asked, [{ peer: witness.nodeId, epoch }], "and asks no more");
  t.is(await cut.registry.end(stays.sessionId, ended(), "finished after all"), "superseded");
  await t.throwsAsync(cut.registry.claim(claimOf()), { message: /cannot be reached/ }, "it begins nothing");
  relay.mend();
  await back(cut);
  t.true(cut.registry.epoch > epoch);
  await t.notThrowsAsync(cut.registry.claim(claimOf()));
  t.is(witness.heard.lost.length, 1);
  t.deepEqual(cut.heard.delivered, []);
});

withRedis(
  "one process is cut off from Redis alone: the others find it alive, and nothing is lost",
  async (t) => {
    const redis = await openRedis(t);
    const relay = await TcpRelay.open(t, redis.port);
    const cut = await openRegistry(t, relay);
    const asked: PeerNode[] = [];
    const witness = await openRegistry(t, redis, {
      liveness: async (peer) => {
        asked.push(peer);
        return "alive";
      },
    });
    const [stays, ends] = [claimOf(), claimOf()];
    await cut.registry.claim(stays);
    await cut.registry.claim(ends);
    relay.cut();
    const end = cut.registry.end(ends.sessionId, ended(), "finished");
    await eventually("it was asked twice, a lease apart", () => asked.length >= 2);
    t.true(asked.every(({ nodeId, epoch }) => nodeId === cut.nodeId && epoch === cut.registry.epoch));
    relay.mend();
    await back(cut);
    t.like(await witness.registry.find(stays.sessionId), { end: null });
    t.is(await end, "final");
    t.like(await witness.registry.find(ends.sessionId), { end: { reason: "finished" } });
    t.deepEqual([witness.heard.lost.length, cut.heard.fenced.length], [0, 0]);
    t.like(cut.heard.delivered, [{ sessionId: ends.sessionId, body: "finished" }]);
  },
);

withRedis("a process that reaches nobody holds nobody to be dead, until it reaches somebody", async (t) => {
  const redis = await openRedis(t);
  const victims = await Promise.all(["a", "b"].map((name) => ChildRegistry.open(t, redis, name)));
  const answers = new Map<string, Liveness>();
  const liveness = async ({ nodeId }: PeerNode) => answers.get(nodeId) ?? "silent";
  const witness = await openRegistry(t, redis, { liveness, nodeId: "witness" });
  const sessionIds: string[] = [];
  for (const victim of victims) sessionIds.push(...(await victim.claim("call", 1)).sessionIds);
  for (const victim of victims) victim.pause();
  await eventually("it says so", () => witness.heard.unreached.length > 0);
  await redis.command("CONFIG", "RESETSTAT");
  await eventually("heartbeats", async () => ((await redis.calls()).get("evalsha") ?? 0) >= 5);
  t.deepEqual(witness.heard.lost, []);
  for (const victim of victims) victim.resume();
  await eventually("they are peers again", async () => {
    const suspects = (await redis.command("ZCARD", "{greenroom}:suspects")) as number;
    return suspects === 0;
  });
  t.deepEqual(witness.heard.lost, []);

  for (const victim of victims) victim.pause();
  await openRegistry(t, redis, { nodeId: "reached", liveness: async () => "silent" });
  answers.set("reached", "alive");
  // The one that woke first may have told of the other, whose lease had ended.
  await eventually("both are lost", async () => {
    const found = await Promise.all(sessionIds.map((id) => witness.registry.find(id)));
    return found.every((session) => session?.end?.reason === "lost");
  });
});

withRedis("a connection that swallows everything is made anew", async (t) => {
  const redis = await openRedis(t);
  const relay = await TcpRelay.open(t, redis.port);
  const one = await openRegistry(t, relay, { commandTimeoutMs: 1_000, leaseMs: 60_000 });
  relay.swallow();
  await away(one);
  await back(one);
  await t.notThrowsAsync(one.registry.claim(claimOf()));
});

withRedis("why Redis cannot be used is one line, with its place and without its password", async (t) => {
  const redis = await openRedis(t, { args: ["--requirepass", "secret"] });
  const place = `127.0.0.1:${redis.port}`;
  const causeOf = async (url: string) => {
    const { heard } = await openRegistry(t, { url }, { commandTimeoutMs: 3_000 });
    return heard.causes[0] ?? "";
  };
  const wrong = await causeOf(`redis://:wrong-password@${place}`);
  t.true(wrong.startsWith(`Redis ${place}: WRONGPASS`), wrong);
  t.true((await causeOf(`redis://${place}`)).startsWith(`Redis ${place}: NOAUTH`));
  const tls = await causeOf(`rediss://:wrong-password@${place}`);
  t.true(tls.startsWith(`Redis ${place}: `), tls);
  t.regex(tls, /speaks no TLS/);
  await redis.stop();
  const gone = await causeOf(`redis://${place}`);
  t.regex(gone, /ECONNREFUSED/);
  for (const text of [wrong, tls, gone]) t.notRegex(text, /wrong-password|\n/);
});

test("that Redis is away is told again from time to time, until it answers", async (t) => {
  const told: unknown[] = [];
  const events = {
    away: (cause: unknown) => told.push(cause),
    back: () => undefined,
    commandFailed: () => undefined,
  };
  const availability = new Availability(events, { reminderMs: 500 });
  availability.failed("first");
  availability.failed("at once");
  await sleep(520);
  availability.failed("later");
  t.deepEqual(told, ["first", "later"]);
  availability.answered();
  availability.failed("anew");
  t.deepEqual(told, ["first", "later", "anew"]);
});

withRedis("two processes of one name: both are told", async (t) => {
  const redis = await openRedis(t);
  const first = await openRegistry(t, redis, { nodeId: "same" });
  const second = await openRegistry(t, redis, { nodeId: "same" });
  await eventually("the first one sees the second", () => first.heard.namesakes.length === 1);
  await eventually("the second one sees the first, which cannot be its own past", () => {
    return second.heard.namesakes.length === 1;
  });
  t.deepEqual(
    [first.heard.namesakes, second.heard.namesakes],
    [[second.registry.epoch], [first.registry.epoch]],
  );
});

withRedis("a process that is started anew under its name is no second one", async (t) => {
  const redis = await openRedis(t);
  const witness = await openRegistry(t, redis);
  const first = await openRegistry(t, redis, { nodeId: "same" });
  await first.registry.claim(claimOf());
  await first.registry.close();
  const second = await openRegistry(t, redis, { nodeId: "same" });
  await eventually(
    "its earlier life is over",
    () => witness.heard.lost.length + second.heard.lost.length === 1,
  );
  t.deepEqual(second.heard.namesakes, []);
});
