import type { ExecutionContext } from "ava";
import { eventually } from "../../fixtures/eventually.ts";
import {
  type BalancedFleetOptions,
  balancedFleet,
  callAt,
  fleetTest,
  metricOfAll,
  started,
} from "../../fixtures/fleet/balanced-fleet.ts";
import { knowEachOther } from "../../fixtures/fleet/know-each-other.ts";
import { EventReader } from "../../fixtures/http/event-reader.ts";
import { removeShiftedClock, shiftedClock } from "../../fixtures/programs/shifted-clock.ts";

/** Kills one of three replicas with two calls in each. Resolves with the ids of all processes that there were. */
async function killOne(
  t: ExecutionContext,
  options: BalancedFleetOptions = {},
  apartMinutes = 0,
): Promise<number[]> {
  const fleet = await balancedFleet(t, {
    ...options,
    launcher: { maxSessionsPerCall: 2, maxConcurrentSessions: 4 },
  });
  const { replicas, balancer } = fleet;
  const [victim, ...survivors] = replicas;
  const [one, other] = survivors;
  const callsOf = async (replica: typeof victim) => [
    await callAt(fleet, replica, { json: { call_id: replica.nodeId } }),
    await callAt(fleet, replica, { json: { call_id: replica.nodeId } }),
  ];
  const beginning = performance.now();
  const dying = await callsOf(victim);
  const living = [...(await callsOf(one!)), ...(await callsOf(other!))];
  const beganAt = (await balancer.ask("/sessions")).body.sessions.map(
    ({ session_started_at }: { session_started_at: string }) => Date.parse(session_started_at),
  );
  t.is(beganAt.length, 6);
  const tookMs = performance.now() - beginning;
  const apartMs = Math.max(...beganAt) - Math.min(...beganAt);
  t.true(Math.abs(apartMs - apartMinutes * 60_000) <= tookMs + 1_000, `${apartMs} ms apart`);
  const heard: EventReader[] = [];
  for (const id of living) {
    const events = await EventReader.open(t, `${one!.url}/sessions/${id}/events`);
    await events.until(({ data }) => data.state === "live");
    heard.push(events);
  }
  const broken = await EventReader.open(t, `${one!.url}/sessions/${dying[0]}/events`);
  await broken.until(({ data }) => data.state === "live");

  const killed = victim.child.process.pid!;
  await victim.kill();
  await t.throwsAsync(broken.rest(), undefined, "what is not whole does not look so");
  for (const id of dying) {
    const unknown = await balancer.ask(`/sessions/${id}`);
    t.true(unknown.status === 503 || unknown.body.end_reason === "lost", unknown.text);
    for (const { ask } of [...survivors, balancer]) {
      await eventually(`${id} is lost`, async () => {
        const { status, body } = await ask(`/sessions/${id}`);
        return status === 404 && body.end_reason === "lost";
      });
    }
  }
  t.is(await metricOfAll(survivors, "greenroom_sessions_ended_total", 'reason="lost"'), dying.length, "once");

  for (const [index, id] of living.entries()) {
    t.is((await balancer.ask(`/sessions/${id}/messages`, { json: { text: "hello" } })).status, 202);
    await heard[index]!.until(({ event }) => event === "turn");
  }
  t.is(await metricOfAll(survivors, "greenroom_sessions_ended_total"), dying.length, "nothing else ended");
  await started(balancer, { json: { call_id: victim.nodeId } });

  await victim.restart();
  await knowEachOther(replicas);
  t.is((await victim.ask(`/sessions/${dying[0]}`)).body.end_reason, "lost");
  t.is((await victim.ask(`/sessions/${living[0]}`)).status, 200);
  const { sessions } = (await victim.ask("/sessions")).body;
  t.is(sessions.length, living.length + 1);
  return [killed, ...replicas.map(({ child }) => child.process.pid!)];
}

fleetTest()("kill -9 of a replica: its sessions are lost, once; the others' go on", async (t) => {
  await killOne(t);
});

fleetTest("faketime")("kill -9 of a replica where clocks are minutes apart", async (t) => {
  let pids: readonly number[] = [];
  t.teardown(() => pids.forEach(removeShiftedClock));
  const shifts = ["-7m", "+0m", "+11m"];
  pids = await killOne(t, { environment: (index) => shiftedClock(shifts[index] ?? "+0m") }, 18);
});
