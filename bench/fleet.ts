import { startsPerSecond } from "./churn.ts";
import type { Bench, Report } from "./figure.ts";
import { commands } from "./fleet/commands.ts";
import { closes, events } from "./fleet/reach.ts";
import { Fleet, openRedis, Stage } from "./fleet/stage.ts";
import { median, quantile } from "./statistics.ts";

/** Measures what it costs to be several. Replicas, Redis and HAProxy share the machine with the measurement. */
export default {
  about: "three replicas behind HAProxy: starts, what Redis is asked, sessions of another replica",
  async run(report) {
    await starts(report);
    await commands(report);
    await reach(report);
    await churn(report);
  },
} satisfies Bench;

const warmUpRounds = 10;
const rounds = 60;

/** Measures starts of both fleets in turns, so that both see the same machine. */
async function starts(report: Report): Promise<void> {
  await using stage = new Stage();
  const fleets = {
    memory: await Fleet.open(stage, 3, null),
    redis: await Fleet.open(stage, 3, await openRedis(stage)),
  };
  const tookMs = { memory: [] as number[], redis: [] as number[] };
  for (let round = 0; round < warmUpRounds + rounds; round += 1) {
    for (const kind of ["memory", "redis"] as const) {
      const { [kind]: fleet } = fleets;
      await fleet.settled();
      const session = await fleet.client.start(`start-${round}`, { lasts_ms: 20 });
      if (round >= warmUpRounds) tookMs[kind].push(session.tookMs);
    }
  }
  const note = `through HAProxy, ${rounds} starts, one after another`;
  for (const kind of ["memory", "redis"] as const) {
    report({ figure: `balanced_start_${kind}_p50`, value: median(tookMs[kind]), unit: "ms", note });
    report({ figure: `balanced_start_${kind}_p95`, value: quantile(tookMs[kind], 0.95), unit: "ms" });
  }
  report({
    figure: "balanced_start_redis_adds_p50",
    value: median(tookMs.redis) - median(tookMs.memory),
    unit: "ms",
    target: { atMost: 3 },
  });
}

async function reach(report: Report): Promise<void> {
  await using stage = new Stage();
  const fleet = await Fleet.open(stage, 3, await openRedis(stage));
  await closes(fleet, report);
  await events(fleet, report);
}

const inFlight = 4;
const churnMs = 10_000;

async function churn(report: Report): Promise<void> {
  const one = await churnOf(1);
  const three = await churnOf(3);
  const note = `${inFlight} in flight, through HAProxy; all of it on this machine's cores`;
  report({ figure: "starts_per_second_of_1", value: one, unit: "1/s", note });
  report({ figure: "starts_per_second_of_3", value: three, unit: "1/s", note });
  report({ figure: "fleet_of_3_against_1", value: three / one, unit: "ratio" });
}

async function churnOf(replicas: number): Promise<number> {
  await using stage = new Stage();
  const fleet = await Fleet.open(stage, replicas, await openRedis(stage));
  await fleet.settled();
  // Awaited here, since the stage ends with this function.
  return await startsPerSecond(fleet.client, { inFlight, durationMs: churnMs });
}
