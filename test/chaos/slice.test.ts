import { chaosRun } from "../../chaos/chaos-run.ts";
import { killedReplica } from "../../chaos/faults/killed-replica.ts";
import { reloadedBalancer } from "../../chaos/faults/reloaded-balancer.ts";
import { stalledLog } from "../../chaos/faults/stalled-log.ts";
import { reportText, unexcused } from "../../chaos/report.ts";
import { fleetTest } from "../fleet-fixtures/balanced-fleet.ts";

fleetTest()("a fleet goes through a few faults, and keeps its promises", async (t) => {
  t.timeout(300_000);
  const faults = [killedReplica, reloadedBalancer, stalledLog].map((fault) => ({
    ...fault,
    lastsMs: [500, 2_000] as const,
  }));
  const report = await chaosRun({ seed: 3, minutes: 0.3, faults });
  t.true(report.ledger.sessions.size > 0 && report.counts.size > 0);
  t.deepEqual(unexcused(report), [], reportText(report));
});
