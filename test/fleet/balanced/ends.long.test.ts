import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../../fixtures/eventually.ts";
import {
  balancedFleet,
  callAt,
  fleetTest,
  leaseMs,
  metricOfAll,
  started,
} from "../../fixtures/fleet/balanced-fleet.ts";
import type { ReplicaProcess } from "../../fixtures/fleet/replica-process.ts";
import { EventReader } from "../../fixtures/http/event-reader.ts";
import { WebhookReceiver } from "../../fixtures/supervisor/webhook-receiver.ts";

const test = fleetTest();

test("a receiver that is down while replicas are killed and drained is told of each end, once it is up", async (t) => {
  const receiver = await WebhookReceiver.open(t);
  receiver.mood = 503;
  const fleet = await balancedFleet(t, {
    launcher: { webhook: { url: receiver.url, secret: receiver.secret } },
  });
  const { replicas, balancer } = fleet;
  const [killed, drained, stays] = replicas;
  const expected = new Map<string, string>();
  const close = async (id: string) =>
    t.is((await balancer.ask(`/sessions/${id}?wait=true`, { method: "DELETE" })).status, 204);
  for (const replica of replicas) {
    const id = await callAt(fleet, replica);
    await close(id);
    expected.set(id, "closed");
  }
  await eventually("all have tried", () => receiver.requests >= 3);
  await eventually("all ends are written", async () => {
    return (await stays.metric("greenroom_session_ends_waiting")) === 3;
  });
  expected.set(await callAt(fleet, killed), "lost");
  expected.set(await callAt(fleet, drained), "drained");
  await killed.kill();
  t.is(await drained.drain(), 0);
  expected.set(await callAt(fleet, stays), "closed");
  t.is(receiver.taken.size, 0);

  receiver.mood = 204;
  await close([...expected.keys()].at(-1)!);
  for (const [id, reason] of expected) {
    await eventually(`the end of ${id} is told`, () => receiver.endsOf(id).length > 0, 60_000);
    t.deepEqual(receiver.endsOf(id), [reason]);
  }
  await eventually("nothing waits", async () => (await stays.metric("greenroom_session_ends_waiting")) === 0);
  t.is(receiver.taken.size, expected.size);
});

test("a replica that stood still for longer than its lease: lost is final, told once, and its agents are gone", async (t) => {
  const receiver = await WebhookReceiver.open(t);
  const fleet = await balancedFleet(t, {
    launcher: { webhook: { url: receiver.url, secret: receiver.secret } },
  });
  const { replicas, balancer } = fleet;
  const [frozen, ...others] = replicas;
  const lost = [await callAt(fleet, frozen), await callAt(fleet, frozen)];
  const lives = await callAt(fleet, others[0]!);
  const followed = await EventReader.open(t, `${others[0]!.url}/sessions/${lost[0]}/events`);
  await followed.until(({ data }) => data.state === "live");
  frozen.child.kill("SIGSTOP");
  t.teardown(() => frozen.child.kill("SIGCONT"));
  for (const id of lost) await eventually(`${id} is told`, () => receiver.endsOf(id).length > 0, 60_000);
  await t.throwsAsync(followed.rest(), undefined, "a stream of its session ends, and does not look whole");
  // What comes to a process that stands still is answered when it goes on.
  const early = await Promise.all([
    ...lost.map((id) => sent("GET", `${frozen.url}/sessions/${id}`)),
    sent("DELETE", `${frozen.url}/sessions/${lost[0]}`),
  ]);
  frozen.child.kill("SIGCONT");
  for (const answer of early) t.deepEqual(await answer(), [404, "lost"]);
  await eventually("its agents are gone", async () => {
    const live = ["live", "closing", "joining"].map((state) =>
      frozen.metric("greenroom_sessions", `state="${state}"`),
    );
    return (await Promise.all(live)).every((count) => count === 0);
  });
  for (const replica of replicas) {
    for (const id of lost) {
      const { body } = await replica.ask(`/sessions/${id}`);
      t.is(body.end_reason, "lost");
      const [told = ""] = receiver.taken.get(`msg_${id}`) ?? [];
      t.is(body.session_ended_at, JSON.parse(told).data.session_ended_at, replica.nodeId);
    }
    t.is((await replica.ask(`/sessions/${lives}`)).status, 200);
  }
  await started(balancer, {});
  for (const id of lost) t.deepEqual(receiver.endsOf(id), ["lost"]);
  t.is(await metricOfAll(replicas, "greenroom_sessions_ended_total"), lost.length);
  t.is(receiver.taken.size, lost.length);
});

test("a replica that stood still and wakes while Redis is away: one peer that knows is enough", async (t) => {
  const receiver = await WebhookReceiver.open(t);
  const fleet = await balancedFleet(t, {
    launcher: { webhook: { url: receiver.url, secret: receiver.secret } },
  });
  const { redis, replicas, balancer } = fleet;
  const [frozen, knows, silent] = replicas;
  const lost = [await callAt(fleet, frozen), await callAt(fleet, frozen)];
  const lives = await callAt(fleet, knows);
  frozen.child.kill("SIGSTOP");
  t.teardown(() => frozen.child.kill("SIGCONT"));
  for (const id of lost) await eventually(`${id} is told`, () => receiver.endsOf(id).length > 0, 60_000);
  await eventually("the others know of it", async () => {
    const peers = await Promise.all([knows, silent].map((one) => one.metric("greenroom_registry_peers")));
    return peers.every((count) => count === 1);
  });
  await redis.stop();
  silent.child.kill("SIGSTOP");
  t.teardown(() => silent.child.kill("SIGCONT"));
  await eventually("Redis is away", async () => (await knows.metric("greenroom_registry_up")) === 0);

  const early = await Promise.all(lost.map((id) => sent("GET", `${frozen.url}/sessions/${id}`)));
  frozen.child.kill("SIGCONT");
  // Redis alone knows whether they have ended, or go on elsewhere.
  for (const answer of early) t.deepEqual(await answer(), [503, undefined]);
  await eventually("its agents are gone", async () => {
    const live = ["live", "closing", "joining"].map((state) =>
      frozen.metric("greenroom_sessions", `state="${state}"`),
    );
    return (await Promise.all(live)).every((count) => count === 0);
  });
  t.is(await frozen.metric("greenroom_registry_up"), 0, "nobody but a peer can have told");
  t.is((await knows.ask(`/sessions/${lives}`)).status, 200);
  const { session_id } = await started(frozen, { json: { call_id: "later" } });
  const isAt = ({ child }: ReplicaProcess) =>
    child.log.some(({ event, session_id: id }) => event === "session_started" && id === session_id);
  await eventually("who is declared dead starts nothing", () => isAt(knows));

  silent.child.kill("SIGCONT");
  await redis.restart();
  await eventually("all are back", async () => {
    const up = await Promise.all(replicas.map((one) => one.metric("greenroom_registry_peers")));
    return up.every((count) => count === 2);
  });
  await started(balancer, {});
  for (const id of [lives, session_id]) t.is((await frozen.ask(`/sessions/${id}`)).status, 200);
  for (const id of lost)
    await eventually("it tells the end", async () => {
      const { status, body } = await frozen.ask(`/sessions/${id}`);
      return status === 404 && body.end_reason === "lost";
    });
  for (const id of lost) t.deepEqual(receiver.endsOf(id), ["lost"]);
  t.is(receiver.taken.size, lost.length);
});

test("two of three replicas stand still for longer than a lease: the third holds nobody to be dead", async (t) => {
  const fleet = await balancedFleet(t);
  const { replicas } = fleet;
  const ids = [];
  for (const replica of replicas) ids.push(await callAt(fleet, replica));
  const [stays, ...frozen] = replicas;
  for (const { child } of frozen) {
    child.kill("SIGSTOP");
    t.teardown(() => child.kill("SIGCONT"));
  }
  await stays.child.logged("replica_cut_off");
  await sleep(leaseMs);
  for (const { child } of frozen) child.kill("SIGCONT");
  for (const replica of replicas) {
    for (const id of ids) {
      await eventually(`${replica.nodeId} knows ${id}`, async () => {
        return (await replica.ask(`/sessions/${id}`)).status === 200;
      });
    }
  }
  t.is(await metricOfAll(replicas, "greenroom_sessions_ended_total"), 0);
});

test("Redis is away: a session that begins then, and its replica's death, are told once Redis is back, even empty", async (t) => {
  const receiver = await WebhookReceiver.open(t);
  const fleet = await balancedFleet(t, {
    launcher: { webhook: { url: receiver.url, secret: receiver.secret } },
  });
  const { redis, replicas } = fleet;
  const [victim, ...others] = replicas;
  await redis.stop();
  for (const replica of replicas) {
    await eventually("Redis is away", async () => (await replica.metric("greenroom_registry_up")) === 0);
  }
  const lost = await callAt(fleet, victim);
  const closed = await callAt(fleet, victim);
  t.is((await victim.ask(`/sessions/${closed}?wait=true`, { method: "DELETE" })).status, 204);
  const entrusted = () => metricOfAll([victim], "greenroom_peer_request_seconds_count", 'kind="entrusted"');
  await eventually("all is known to others", async () => (await entrusted()) >= 6);
  await victim.kill();
  await redis.restart();
  for (const [id, reason] of [
    [lost, "lost"],
    [closed, "closed"],
  ] as const) {
    await eventually(`the end of ${id} is told`, () => receiver.endsOf(id).length > 0, 60_000);
    t.deepEqual(receiver.endsOf(id), [reason]);
    for (const { ask } of others) t.is((await ask(`/sessions/${id}`)).body.end_reason, reason);
  }
});

test("Redis is emptied right after an end was told, and its replica killed meanwhile: nobody tells another one", async (t) => {
  const receiver = await WebhookReceiver.open(t);
  const fleet = await balancedFleet(t, {
    launcher: { webhook: { url: receiver.url, secret: receiver.secret } },
  });
  const { redis, replicas } = fleet;
  const [victim, ...others] = replicas;
  const ended = await callAt(fleet, victim);
  const lost = await callAt(fleet, victim);
  t.is((await victim.ask(`/sessions/${ended}?wait=true`, { method: "DELETE" })).status, 204);
  await eventually("the end is told", () => receiver.endsOf(ended).length > 0);
  await redis.stop();
  const stoppedAt = performance.now();
  await eventually("Redis is away", async () => (await victim.metric("greenroom_registry_up")) === 0);
  const entrusted = () => metricOfAll([victim], "greenroom_peer_request_seconds_count", 'kind="entrusted"');
  // What is older than some seconds they have heard of by then.
  await eventually("the others know of both", async () => {
    return (await entrusted()) >= 4 || performance.now() - stoppedAt > 5_000;
  });
  await victim.kill();
  await redis.restart();
  await eventually("the other one is lost", () => receiver.endsOf(lost).length > 0, 60_000);
  await eventually("that is written", async () => {
    return (await metricOfAll(others, "greenroom_sessions_ended_total")) === 1;
  });
  t.deepEqual([receiver.endsOf(ended), receiver.endsOf(lost)], [["closed"], ["lost"]]);
  for (const { ask } of others) t.is((await ask(`/sessions/${ended}`)).body.end_reason, "closed");
});

for (const isAway of [false, true]) {
  const when = isAway ? "while Redis stands still" : "while all is well";
  test(`a replica that is killed as soon as an end is shown, ${when}: that end is told`, async (t) => {
    const receiver = await WebhookReceiver.open(t);
    const fleet = await balancedFleet(t, {
      launcher: { webhook: { url: receiver.url, secret: receiver.secret } },
    });
    const { redis, replicas } = fleet;
    const [victim, other] = replicas;
    const id = await callAt(fleet, victim);
    const path = `/sessions/${id}`;
    const followed = await EventReader.open(t, `${other.url}${path}/events`);
    await followed.until(({ data }) => data.state === "live");
    // What it has told would not be told again.
    receiver.mood = 503;
    if (isAway) redis.pause();
    t.is((await victim.ask(path, { method: "DELETE" })).status, 204);
    t.is((await followed.until(({ event }) => event === "end")).at(-1)!.data.reason, "closed");
    await victim.kill();
    receiver.mood = 204;
    if (isAway) redis.resume();
    await eventually("the end is told", () => receiver.endsOf(id).length > 0, 60_000);
    t.deepEqual(receiver.endsOf(id), ["closed"]);
    await eventually("it is shown", async () => (await other.ask(path)).body.end_reason === "closed");
  });
}

/** Resolves once the request has left this process, with a function that resolves with the status and the end reason. */
async function sent(
  method: string,
  url: string,
): Promise<() => Promise<[status: number, endReason: unknown]>> {
  const asked = request(url, { method });
  const answered = once(asked, "response") as Promise<[IncomingMessage]>;
  asked.end();
  await once(asked, "finish");
  return async () => {
    const [answer] = await answered;
    const body = JSON.parse((await answer.toArray()).join("")) as { readonly end_reason?: unknown };
    return [answer.statusCode ?? 0, body.end_reason];
  };
}
