import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import { eventually } from "../../fixtures/eventually.ts";
import {
  type BalancedFleet,
  balancedFleet,
  callAt,
  fleetTest,
  leaseMs,
  metricOfAll,
  started,
} from "../../fixtures/fleet/balanced-fleet.ts";
import { knowEachOther } from "../../fixtures/fleet/know-each-other.ts";
import type { ReplicaProcess } from "../../fixtures/fleet/replica-process.ts";
import { EventReader } from "../../fixtures/http/event-reader.ts";
import { TcpRelay } from "../../fixtures/programs/tcp-relay.ts";

const test = fleetTest();

/** A call at a replica, followed through another one. */
interface Followed {
  readonly id: string;
  readonly owner: ReplicaProcess;
  readonly events: EventReader;
}

async function followedCalls(t: ExecutionContext, fleet: BalancedFleet): Promise<Followed[]> {
  const calls: Followed[] = [];
  for (const [index, owner] of fleet.replicas.entries()) {
    const id = await callAt(fleet, owner);
    const follower = fleet.replicas[(index + 1) % 3]!;
    const events = await EventReader.open(t, `${follower.url}/sessions/${id}/events`);
    await events.until(({ data }) => data.state === "live");
    calls.push({ id, owner, events });
  }
  return calls;
}

/** Checks that a call answers at its own replica, and that whoever follows it hears that. */
async function goesOn(t: ExecutionContext, { id, owner, events }: Followed): Promise<void> {
  t.is((await owner.ask(`/sessions/${id}/messages`, { json: { text: "hello" } })).status, 202);
  await events.until(({ event }) => event === "turn");
}

async function areLive(fleet: BalancedFleet, ids: readonly string[]): Promise<void> {
  for (const replica of fleet.replicas) {
    for (const id of ids) {
      await eventually(`${replica.nodeId} knows ${id}`, async () => {
        const { status, body } = await replica.ask(`/sessions/${id}`);
        return status === 200 && body.state === "live";
      });
    }
  }
}

const upAt = (replicas: readonly ReplicaProcess[], count: number) =>
  eventually(
    `${count} of them reach Redis`,
    async () => (await metricOfAll(replicas, "greenroom_registry_up")) === count,
  );

/** Checks the fleet while Redis is away. */
async function outage(
  t: ExecutionContext,
  fleet: BalancedFleet,
  calls: readonly Followed[],
): Promise<string> {
  const { replicas, balancer } = fleet;
  await upAt(replicas, 0);
  for (const { ask } of replicas) {
    t.is((await ask("/health")).status, 200);
    t.is((await ask("/serving")).status, 200);
  }
  for (const call of calls) await goesOn(t, call);
  const [call] = calls as [Followed];
  const elsewhere = replicas.find((replica) => replica !== call.owner)!;
  t.is((await elsewhere.ask(`/sessions/${call.id}`)).body.session_id, call.id);
  return (await started(balancer, {})).session_id;
}

async function over(t: ExecutionContext, fleet: BalancedFleet, ids: readonly string[]): Promise<void> {
  const { replicas } = fleet;
  await upAt(replicas, 3);
  await knowEachOther(replicas);
  await areLive(fleet, ids);
  t.is(await metricOfAll(replicas, "greenroom_sessions_ended_total"), 0);
}

test("Redis is stopped, stands still and is emptied: calls and starts go on, nothing is lost", async (t) => {
  const fleet = await balancedFleet(t);
  const { redis, replicas } = fleet;
  const calls = await followedCalls(t, fleet);
  const ids = calls.map(({ id }) => id);

  await redis.stop();
  ids.push(await outage(t, fleet, calls));
  await redis.restart();
  await over(t, fleet, ids);
  for (const { child } of replicas) {
    await child.logged(/^Redis 127.0.0.1:\d+: .*; calls go on, starts are accepted/);
    await child.logged("registry_back");
  }

  redis.pause();
  t.teardown(() => redis.resume());
  ids.push(await outage(t, fleet, calls));
  // Longer than a lease: none of them could be renewed.
  await sleep(leaseMs);
  redis.resume();
  await over(t, fleet, ids);

  await redis.flush();
  await over(t, fleet, ids);
  ids.push((await started(fleet.balancer, {})).session_id);
  await over(t, fleet, ids);
  for (const call of calls) await goesOn(t, call);
});

test("one replica is cut off from Redis for longer than its lease: its peers find it alive, and nothing is lost", async (t) => {
  let relay: TcpRelay | undefined;
  const fleet = await balancedFleet(t, {
    redisUrl: async (redis, index) => {
      if (index > 0) return redis.url;
      relay = await TcpRelay.open(t, redis.port);
      return relay.url;
    },
  });
  const { replicas } = fleet;
  const [cut, ...others] = replicas;
  const calls = await followedCalls(t, fleet);

  relay!.cut();
  await upAt(replicas, 2);
  for (const call of calls) await goesOn(t, call);
  const meanwhile = (await started(cut, {})).session_id;
  const asked = async () => metricOfAll(others, "greenroom_peer_request_seconds_count", 'kind="asked"');
  await eventually("its lease has ended twice, and it was asked each time", async () => (await asked()) >= 4);
  await areLive(fleet, [...calls.map(({ id }) => id), meanwhile]);
  t.is((await cut.ask("/serving")).status, 200);
  for (const call of calls) await goesOn(t, call);

  relay!.mend();
  await upAt(replicas, 3);
  await knowEachOther(replicas);
  await areLive(fleet, [...calls.map(({ id }) => id), meanwhile]);
  t.is(await metricOfAll(replicas, "greenroom_sessions_ended_total"), 0);
  for (const call of calls) await goesOn(t, call);
});
