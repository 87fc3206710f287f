import { setMaxListeners } from "node:events";
import { machineNow } from "./clock.ts";
import { Director } from "./director.ts";
import { allFaults } from "./faults/all-faults.ts";
import type { Fault } from "./faults/fault.ts";
import { Fleet } from "./fleet/fleet.ts";
import type { Broken } from "./ledger/broken.ts";
import { brokenIn, type Invariant } from "./ledger/invariants.ts";
import { Ledger } from "./ledger/ledger.ts";
import { restOf } from "./ledger/rest.ts";
import { roomSaid } from "./ledger/room.ts";
import { Client } from "./load/client.ts";
import { Load } from "./load/load.ts";
import { type PlannedFault, plan } from "./plan.ts";
import { Random } from "./random.ts";
import type { ChaosReport } from "./report.ts";
import { Timeline } from "./timeline.ts";
import { watch } from "./watch.ts";

export interface ChaosOptions {
  readonly seed: number;
  /** The time for which faults happen, in minutes. What follows takes a minute or two more. */
  readonly minutes: number;
  /** The number of replicas. Default 3. */
  readonly replicas?: number;
  /** The faults that may happen. Default: all that there are. */
  readonly faults?: readonly Fault[];
  /** Ends the run, and all that it started. */
  readonly signal?: AbortSignal;
  /** Called with each line that tells how it goes. Default: nobody is told. */
  readonly print?: (line: string) => void;
}

/** Has a fleet go through the faults of a seed, and resolves with what became of it. */
export async function chaosRun(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, replicas = 3, print = () => {} } = options;
  const random = new Random(seed);
  const planned = plan(random.fork(), options.faults ?? allFaults, options.minutes * 60_000);
  const whileAway = random.chance(0.5) ? "allow" : "refuse";
  const timeline = new Timeline(print);
  const ledger = new Ledger(timeline);
  const deaths: Broken[] = [];
  await using fleet = await Fleet.open({
    replicas,
    whileAway,
    onTold: (told) => ledger.told(told),
    onDeath: ({ nodeId, howItEnded }) => {
      const what = `${nodeId} ended by itself: ${howItEnded}`;
      timeline.fault(what, [nodeId]);
      deaths.push(brokenNow("replica_died", what, [nodeId]));
    },
  });
  const away = `while Redis is away, starts are to ${whileAway}`;
  timeline.fault(`${replicas} replicas serve; ${away}; ${planned.length} faults are planned`);
  const course = run({ options, random, planned, timeline, ledger, fleet });
  return await Promise.race([
    course.then((report) => withBroken(report, deaths, fleet)),
    aborted(options.signal),
  ]);
}

interface Course {
  readonly options: ChaosOptions;
  readonly random: Random;
  readonly planned: readonly PlannedFault[];
  readonly timeline: Timeline;
  readonly ledger: Ledger;
  readonly fleet: Fleet;
}

async function run({ options, random, planned, timeline, ledger, fleet }: Course): Promise<ChaosReport> {
  const { seed, minutes } = options;
  const say = (what: string) => timeline.fault(what);
  ledger.judgeRefusalsBy((start, code) => roomSaid(fleet, ledger, start, code));
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  const watched = watch(fleet, over.signal);
  const director = new Director(fleet, timeline);
  const load = new Load(new Client(fleet.balancer.url), ledger, random.fork(), fleet.heartbeats.port);
  await Promise.all([director.play(planned), load.come(minutes * 60_000, over.signal)]);

  say("no fault happens any more, and no caller comes");
  const broken = [...director.failures.map((what) => brokenNow("not_healed", what)), ...(await heal(fleet))];
  over.abort();
  broken.push(...(await watched));
  await load.gone();
  broken.push(...(await restOf(fleet, ledger, say)));
  const { heartbeats, receiver, redisTroubles, busyness } = fleet;
  const slowness = busyness.factor;
  broken.push(
    ...brokenIn(ledger, {
      heard: heartbeats.all,
      flaws: receiver.flaws,
      redisTroubles,
      slowness,
      exits: fleet.exits,
      stops: fleet.stops,
    }),
  );
  const usage = fleet.occupied.map(({ name, life }) => ({
    name,
    before: life!.usageAtRest,
    after: life!.usage(),
  }));
  const { counts, skipped } = director;
  return {
    seed,
    minutes,
    counts,
    skipped,
    broken,
    timeline,
    ledger,
    heard: heartbeats.all.length,
    slowness,
    usage,
    logs: null,
  };
}

function withBroken(report: ChaosReport, deaths: readonly Broken[], fleet: Fleet): ChaosReport {
  const broken = [...deaths, ...report.broken];
  fleet.keepsFolder = broken.some(({ excuse }) => excuse === null);
  return { ...report, broken, logs: fleet.keepsFolder ? fleet.folder : null };
}

const brokenNow = (invariant: Invariant, what: string, about: readonly string[] = []): Broken => ({
  invariant,
  at: machineNow(),
  what,
  about,
  excuse: null,
});

/** Starts what has ended by itself, and waits until the fleet is whole. */
async function heal(fleet: Fleet): Promise<readonly Broken[]> {
  try {
    for (const slot of fleet.slots) {
      if (fleet.occupied.length < fleet.size && slot.life?.lives !== true) await slot.start("new");
    }
    await fleet.whole();
    return [];
  } catch (error) {
    return [brokenNow("not_healed", String(error))];
  }
}

/** Rejects when the signal fires. */
function aborted(signal?: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
