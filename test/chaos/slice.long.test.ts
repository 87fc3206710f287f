import { chaosRun } from "../../chaos/chaos-run.ts";
import { cutReplica } from "../../chaos/faults/cut-replica.ts";
import { emptiedRedis } from "../../chaos/faults/emptied-redis.ts";
import { failingReceiver } from "../../chaos/faults/failing-receiver.ts";
import type { Fault } from "../../chaos/faults/fault.ts";
import { frozenReplica } from "../../chaos/faults/frozen-replica.ts";
import { killedReplica } from "../../chaos/faults/killed-replica.ts";
import { limits } from "../../chaos/fleet/limits.ts";
import { reportText, unexcused } from "../../chaos/report.ts";
import { fleetTest } from "../fixtures/fleet/balanced-fleet.ts";

/** The faults that a lease is made for, each short. */
const faults: readonly Fault[] = [
  { ...killedReplica, lastsMs: [300, 1_000] },
  { ...frozenReplica, lastsMs: [limits.leaseMs + 1_500, limits.leaseMs + 2_500] },
  { ...cutReplica, lastsMs: [1_500, 3_000] },
  { ...failingReceiver, lastsMs: [1_500, 3_000] },
  emptiedRedis,
];

/** A seed whose plan has one of each fault. */
const seed = 217;

fleetTest()("a fleet goes through a few faults, and keeps its promises", async (t) => {
  t.timeout(300_000);
  const report = await chaosRun({ seed, minutes: 0.35, faults });
  t.true(report.ledger.sessions.size > 0 && report.counts.size > 0);
  t.deepEqual(unexcused(report), [], reportText(report));
});
