import { eventually } from "../../fixtures/eventually.ts";
import { balancedFleet, fleetTest, started } from "../../fixtures/fleet/balanced-fleet.ts";
import { type FiringAlert, Prometheus } from "../../fixtures/programs/prometheus.ts";

const test = fleetTest("prometheus");

/** The alerts that are right where the machine has much else to do. */
const ofBusyMachines = new Set([
  "GreenroomMainLoopLate",
  "GreenroomOverloaded",
  "GreenroomSlowToStart",
  "GreenroomThreadsDoNotStart",
]);
const names = (alerts: readonly FiringAlert[]) =>
  alerts.map(({ labels }) => labels.alertname ?? "").filter((name) => !ofBusyMachines.has(name));

test("Prometheus scrapes all replicas; its alerts tell of a full fleet, a replica that died, and Redis away", async (t) => {
  const fleet = await balancedFleet(t, { launcher: { maxConcurrentSessions: 2 } });
  const { balancer, replicas, redis } = fleet;
  const [victim, ...survivors] = replicas;
  const instance = ({ metricsPort }: typeof victim) => `127.0.0.1:${metricsPort}`;
  const prometheus = await Prometheus.open(t, replicas.map(instance));
  const one = async (query: string) => (await prometheus.query(query)).values().next().value;
  const reads = (query: string, value: number) =>
    eventually(`${query} is ${value}`, async () => (await one(query)) === value, 40_000);

  await reads("sum(up)", 3);
  await reads("greenroom:serving:count", 3);
  await reads("greenroom:serving_capacity:sum", 6);
  await reads("greenroom_registry_peers == 2", 2);
  await prometheus.judges(4);
  await eventually("nothing is wrong", async () => names(await prometheus.firing()).length === 0);

  for (let count = 0; count < 6; count += 1) await started(balancer, {});
  await reads("greenroom:sessions:sum", 6);
  await reads("greenroom:free_slots:sum", 0);
  const refuseAll = async () => {
    for (const { ask } of [...replicas, balancer]) {
      t.is((await ask("/calls/one-too-many/sessions", { json: {} })).status, 429);
    }
  };
  await refuseAll();
  await prometheus.fires("GreenroomAlmostFull");
  // What is counted has to be seen, and seen to grow.
  await reads(
    'count(greenroom_http_request_seconds_count{route="/calls/{call_id}/sessions", status="429", from="client"})',
    3,
  );
  await refuseAll();
  await prometheus.fires("GreenroomStartsRefused");

  await victim.kill();
  const down = await prometheus.fires("GreenroomDown", instance(victim));
  t.is(down.annotations.summary, `${instance(victim)} does not answer Prometheus.`);
  t.regex(down.annotations.action ?? "", /kubectl/);
  const lost = await prometheus.fires("GreenroomSessionsLost");
  t.is(lost.labels.severity, "critical");
  await reads("greenroom:serving:count", 2);

  await redis.stop();
  for (const survivor of survivors) await prometheus.fires("GreenroomRegistryAway", instance(survivor));

  await redis.restart();
  await victim.restart();
  await prometheus.calms("GreenroomRegistryAway");
  await prometheus.calms("GreenroomDown");
  await prometheus.calms("GreenroomAlmostFull");
  await reads("greenroom:free_slots:sum", 2);
  await reads("greenroom:serving:count", 3);
});
