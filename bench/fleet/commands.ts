import { setTimeout as sleep } from "node:timers/promises";
import { RedisRegistry } from "../../src/registry/redis/registry.ts";
import type { RedisServer } from "../../test/fixtures/programs/redis-server.ts";
import type { Report } from "../figure.ts";
import { openRedis, Stage } from "./stage.ts";

const replicas = 3;
const sizes = [10, 100, 500];
const measuredMs = 8_000;

/** Measures what the registries of three replicas cost Redis, once so many sessions are registered by each. */
export async function commands(report: Report): Promise<void> {
  const perSecond: number[] = [];
  for (const size of sizes) {
    await using stage = new Stage();
    const redis = await openRedis(stage);
    for (let index = 0; index < replicas; index += 1) await registerSessions(stage, redis, index, size);
    // What was registered has been written.
    await sleep(2_000);
    const { commands, within } = await counted(redis);
    perSecond.push(commands);
    report({
      figure: `redis_commands_at_${size}_sessions`,
      value: commands,
      unit: "1/s",
      note: `a replica of ${replicas}, registered by the registry alone; ${within.toFixed(1)} within scripts`,
    });
  }
  report({
    figure: "redis_commands_most_against_fewest",
    value: perSecond.at(-1)! / perSecond[0]!,
    unit: "ratio",
    target: { atMost: 1.2 },
    note: `${sizes.at(-1)} sessions against ${sizes[0]}`,
  });
}

async function registerSessions(
  stage: Stage,
  redis: RedisServer,
  index: number,
  count: number,
): Promise<void> {
  const registry = new RedisRegistry({
    url: redis.url,
    keyPrefix: "greenroom",
    leaseMs: 10_000,
    commandTimeoutMs: 1_000,
    whileAway: "allow",
    maxConcurrentSessions: null,
  });
  const nothing = () => undefined;
  await registry.open(
    { nodeId: `replica-${index}`, address: null },
    { maxSessionsPerCall: 10 },
    {
      state: () => ({ capacity: 1_000, free: 1_000 - count, accepting: true }),
      lost: () => null,
      fenced: nothing,
      deliver: nothing,
      mayShow: nothing,
      carried: () => null,
      adoptable: () => 0,
      adopted: () => "never",
      room: () => 0,
      liveness: () => Promise.resolve("gone"),
      declaredDead: () => Promise.resolve(null),
      entrust: () => Promise.resolve(false),
      unreached: nothing,
      away: nothing,
      back: nothing,
      commandFailed: nothing,
      namesake: nothing,
    },
  );
  stage.teardown(() => registry.close());
  for (let session = 0; session < count; session += 1) {
    await registry.claim({
      sessionId: `session-${index}-${session}`,
      callType: "default",
      callId: `call-${index}-${session}`,
      createdBy: { name: "somebody" },
      startedAt: Date.now(),
    });
  }
}

/** Counts by INFO commandstats, for one replica: what it sends, and what its scripts do. */
async function counted(redis: RedisServer): Promise<{ readonly commands: number; readonly within: number }> {
  await redis.command("CONFIG", "RESETSTAT");
  const begunAt = performance.now();
  await sleep(measuredMs);
  const calls = await redis.calls();
  const seconds = (performance.now() - begunAt) / 1_000;
  let sent = 0;
  let within = 0;
  for (const [name, count] of calls) {
    if (name.startsWith("eval")) sent += count;
    // Those of this measurement itself.
    else if (!/^(config|info|hello|client)/.test(name)) within += count;
  }
  return { commands: sent / seconds / replicas, within: within / seconds / replicas };
}
