import anyTest, { type TestFn } from "ava";
import { eventually } from "../../fixtures/eventually.ts";
import { isKept, ownerIn, resumingFleet } from "../../fixtures/fleet/conversation.ts";
import type { ReplicaProcess } from "../../fixtures/fleet/replica-process.ts";
import { freeze } from "../../fixtures/fleet/three-processes.ts";
import { EventReader } from "../../fixtures/http/event-reader.ts";
import { needs } from "../../fixtures/needs.ts";
import { TcpRelay } from "../../fixtures/programs/tcp-relay.ts";

const test = needs("redis-server", (anyTest as TestFn).serial);

test("a fenced replica that cannot ask Redis tells no end: a call that goes on is followed there, a lost one is told of later", async (t) => {
  t.timeout(180_000);
  let relay: TcpRelay | undefined;
  const { redis, replicas } = await resumingFleet(t, ["fenced", "other", "third"], {
    leaseMs: 3_000,
    redisUrl: async ({ port, url }, nodeId) => {
      if (nodeId !== "fenced") return url;
      relay = await TcpRelay.open(t, port);
      return relay.url;
    },
  });
  const [fenced, other] = replicas as readonly [ReplicaProcess, ReplicaProcess];
  const moves = (await fenced.start()).session_id;
  const stays = (await fenced.start({ config: { restore: false } })).session_id;
  const path = (id: string) => `/sessions/${id}`;
  const follow = (id: string, after = 0) =>
    EventReader.open(t, `${fenced.url}${path(id)}/events`, {
      "last-event-id": String(after),
      accept: "text/event-stream",
    });
  await isKept(redis, moves, "Hello there.");
  const readers = [await follow(moves), await follow(stays)] as const;
  for (const reader of readers) await reader.until(({ data }) => data.text === "Hello there.");

  const thaw = freeze(t, fenced);
  await eventually("one goes on elsewhere", async () => {
    const owner = await ownerIn(redis, moves);
    return owner !== undefined && owner !== "fenced";
  });
  await eventually("one is lost", async () => (await other.ask(path(stays))).body.end_reason === "lost");
  relay?.cut();
  thaw();
  // Both streams end, and none tells of an end.
  const told = await Promise.all(readers.map((reader) => reader.rest()));
  for (const { data } of told.flat()) t.false(data.type === "end" || data.state === "ended");
  t.is(await fenced.metric("greenroom_registry_up"), 0);

  await eventually("the call goes on", async () => (await fenced.ask(path(moves))).body.state === "live");
  t.not((await fenced.ask(path(moves))).body.node_id, "fenced");
  const moved = await follow(moves, told[0]!.findLast(({ id }) => id !== null)?.id ?? 0);
  await moved.until(({ data }) => data.type === "resumed");
  const unknown = await fenced.ask(path(stays));
  t.deepEqual([unknown.status, unknown.body.end_reason], [503, undefined]);
  t.is((await fenced.ask(`${path(stays)}?wait=true`, { method: "DELETE" })).status, 503);
  // An EventSource comes back after an empty stream.
  const empty = await follow(stays);
  t.deepEqual([empty.response.status, await empty.rest()], [200, []]);
  t.is((await fenced.ask(`${path(moves)}?wait=true`, { method: "DELETE" })).status, 204);
  t.is((await moved.rest()).at(-1)?.data.reason, "closed");
  t.is(await fenced.metric("greenroom_sessions_ended_total"), 0);

  relay?.mend();
  await eventually("Redis is asked", async () => (await fenced.ask(path(stays))).status === 404);
  t.is((await fenced.ask(path(stays))).body.end_reason, "lost");
  t.is((await fenced.ask(path(moves))).body.end_reason, "closed");
  await eventually("the lost one's stream has its end", async () => {
    const { response } = await follow(stays);
    return response.status === 200 && /"reason":"lost"/.test(await response.text());
  });
  t.is(await fenced.metric("greenroom_sessions_ended_total"), 0, "both are counted where they were reported");
});
