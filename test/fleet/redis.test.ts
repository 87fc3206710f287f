import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { EventReader } from "../fixtures/http/event-reader.ts";
import { type Fleet, type FleetOptions, openFleet, placesOf } from "../fixtures/http/open-fleet.ts";
import { needs } from "../fixtures/needs.ts";
import { openRedis, type RedisServer } from "../fixtures/programs/redis-server.ts";

/** Declares tests that run one after another: each has servers of its own, and there are two cores. */
const test = needs("redis-server", (anyTest as TestFn).serial);

async function fleetOf(
  t: ExecutionContext,
  options: FleetOptions = {},
): Promise<Fleet & { redis: RedisServer }> {
  const redis = await openRedis(t);
  const fleet = await openFleet({ registry: { url: redis.url, commandTimeoutMs: 10_000 }, ...options });
  t.teardown(() => fleet.close());
  return { ...fleet, redis };
}

const withKey = (key: string, call_id: string) => ({
  json: { call_id },
  headers: { "idempotency-key": key },
});

test("with Redis: any replica shows, lists, follows, asks and closes a session", async (t) => {
  const fleet = await fleetOf(t);
  const { session_id, session_token } = await fleet.replicas[0].start();
  const { owner, foreign } = placesOf(fleet, session_id);
  const path = `/sessions/${session_id}`;
  t.is((await foreign.ask(path)).body.session_id, session_id);
  t.is((await foreign.ask(`${path}?token=${session_token}`)).status, 200);
  for (const { ask } of fleet.replicas)
    t.is((await ask("/sessions")).body.sessions[0].session_id, session_id);
  const reader = await EventReader.open(t, `${foreign.url}${path}/events`);
  await reader.until(({ data }) => data.state === "live");
  t.is((await foreign.ask(`${path}/messages`, { json: { text: "hello" } })).status, 202);
  await reader.until(({ event }) => event === "turn");
  t.is((await foreign.ask(`${path}?wait=true`, { method: "DELETE" })).status, 204);
  t.is((await reader.rest()).at(-1)!.event, "end");
  t.is((await foreign.ask(path)).body.end_reason, "closed");
  await owner.launcher.stop();
  owner.cut();
  const known = await foreign.ask(path);
  t.deepEqual([known.status, known.body.end_reason], [404, "closed"]);
});

test("with Redis: starts find room while there is any, each key once", async (t) => {
  const fleet = await fleetOf(t, { launcher: { maxConcurrentSessions: 1 } });
  const [first] = fleet.replicas;
  const same = await Promise.all(fleet.replicas.map(({ ask }) => ask("/sessions", withKey("k", "c"))));
  t.is(new Set(same.map(({ body }) => body.session_id)).size, 1);
  t.deepEqual(
    same.map(({ status }) => status),
    [201, 201, 201],
  );
  await first.start();
  await first.start();
  t.deepEqual(
    fleet.replicas.map(({ launcher }) => launcher.listSessions().length),
    [1, 1, 1],
  );
  const full = await first.ask("/sessions", withKey("l", "d"));
  t.deepEqual([full.status, full.body.code], [429, "POOL_FULL"]);
  t.deepEqual((await fleet.replicas[1].ask("/sessions", withKey("k", "c"))).body, same[0]!.body);
});

test("while Redis is away a replica asks the others for their sessions, and lists all", async (t) => {
  const fleet = await fleetOf(t);
  const { session_id } = await fleet.replicas[0].start();
  const { owner, foreign } = placesOf(fleet, session_id);
  fleet.redis.pause();
  t.teardown(() => fleet.redis.resume());
  const path = `/sessions/${session_id}`;
  t.is((await foreign.ask(path)).body.session_id, session_id);
  const unknown = await foreign.ask("/sessions/00000000-0000-4000-8000-000000000000");
  t.deepEqual([unknown.status, unknown.body.code], [503, "REGISTRY_UNAVAILABLE"]);
  t.is((await owner.ask(path)).status, 200);
  t.is((await foreign.ask("/sessions")).body.sessions[0].session_id, session_id);
  t.is((await foreign.ask("/serving")).status, 200);
  t.is((await foreign.ask("/health")).status, 200);
  await foreign.start();
});
