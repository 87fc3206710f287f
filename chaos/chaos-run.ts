import { setMaxListeners } from "node:events";
import { machineNow } from "./clock.ts";
import { Director } from "./director.ts";
import { allFaults } from "./faults/all-faults.ts";
import { Fleet } from "./fleet/fleet.ts";
import type { Broken } from "./ledger/broken.ts";
import { brokenIn } from "./ledger/invariants.ts";
import { Ledger } from "./ledger/ledger.ts";
import { restOf } from "./ledger/rest.ts";
import { roomSaid } from "./ledger/room.ts";
import { Client } from "./load/client.ts";
import { Load } from "./load/load.ts";
import { plan } from "./plan.ts";
import { Random } from "./random.ts";
import type { ChaosReport } from "./report.ts";
import { Timeline } from "./timeline.ts";
import { watch } from "./watch.ts";

export interface ChaosOptions {
  readonly seed: number;
  /** How long faults happen, in minutes. What follows takes a minute or two more. */
  readonly minutes: number;
  /** Default 3. */
  readonly replicas?: number;
  /** Called with each line that tells how it goes. Default: nobody is told. */
  readonly print?: (line: string) => void;
}

/** Has a fleet go through the faults of a seed, and resolves with what became of it. */
export async function chaosRun({
  seed,
  minutes,
  replicas = 3,
  print = () => {},
}: ChaosOptions): Promise<ChaosReport> {
  const random = new Random(seed);
  const timeline = new Timeline(print);
  const ledger = new Ledger(timeline);
  const found: Broken[] = [];
  const forMs = minutes * 60_000;
  const planned = plan(random.fork(), allFaults, forMs);
  const whileAway = random.chance(0.5) ? "allow" : "refuse";
  const say = (what: string) => timeline.fault(what);
  await using fleet = await Fleet.open({
    replicas,
    whileAway,
    onTold: (told) => ledger.told(told),
    onDeath: (life) => {
      const what = `${life.nodeId} ended by itself: ${life.howItEnded}`;
      timeline.fault(what, [life.nodeId]);
      found.push({ invariant: "replica_died", at: machineNow(), what, about: [life.nodeId], excuse: null });
    },
  });
  say(
    `${replicas} replicas serve; while Redis is away, starts are to ${whileAway}; ${planned.length} faults are planned`,
  );
  ledger.judgeRefusalsBy((start, code) => roomSaid(fleet, ledger, start, code));
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  const watched = watch(fleet, over.signal);
  const director = new Director(fleet, timeline);
  const load = new Load(new Client(fleet.balancer.url), ledger, random.fork(), fleet.heartbeats.port);
  await Promise.all([director.play(planned), load.come(forMs, over.signal)]);

  say("no fault happens any more, and no caller comes");
  found.push(...(await healed(fleet)));
  over.abort();
  found.push(...(await watched));
  await load.gone();
  found.push(...(await restOf(fleet, ledger, say)));
  found.push(...director.failures.map((what) => fail("not_healed", what)));
  const broken = [...found, ...brokenIn(ledger, fleet)];
  fleet.keepsFolder = broken.some(({ excuse }) => excuse === null);
  return {
    seed,
    minutes,
    counts: director.counts,
    skipped: director.skipped,
    broken,
    timeline,
    ledger,
    heard: fleet.heartbeats.all.length,
    usage: fleet.occupied.map(({ name, life }) => ({
      name,
      before: life!.usageAtRest,
      after: life!.usage(),
    })),
    logs: fleet.keepsFolder ? fleet.folder : null,
  };
}

const fail = (invariant: string, what: string): Broken => ({
  invariant,
  at: machineNow(),
  what,
  about: [],
  excuse: null,
});

/** Starts what has ended by itself, and waits until the fleet is whole. */
async function healed(fleet: Fleet): Promise<readonly Broken[]> {
  try {
    for (const slot of fleet.slots) {
      if (fleet.occupied.length < fleet.size && slot.life?.lives !== true) await slot.start("new");
    }
    await fleet.whole();
    return [];
  } catch (error) {
    return [fail("not_healed", String(error))];
  }
}
