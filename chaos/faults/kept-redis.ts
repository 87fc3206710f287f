import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RedisServer } from "../../test/fixtures/redis-server.ts";
import type { Fault } from "./fault.ts";

/** Redis is gone for a while, and comes back with what it had on disk. */
export const keptRedis: Fault = {
  name: "Redis stopped, and back with its data",
  harms: "redis",
  lastsMs: [200, 10_000],
  weight: 2,
  async run({ fleet, lastsMs }) {
    await fleet.redis.command("SAVE");
    const over = fleet.redisTroubles.begin(false);
    await comeBack(fleet.redis, lastsMs);
    over();
  },
};

/** The same, but what is on disk is a few seconds old. */
export const setBackRedis: Fault = {
  name: "Redis stopped, and back with older data",
  harms: "redis",
  lastsMs: [200, 6_000],
  weight: 1,
  async run({ fleet, lastsMs, variant }) {
    await fleet.redis.command("SAVE");
    const over = fleet.redisTroubles.begin(true);
    await sleep(500 + variant * 4_000);
    await comeBack(fleet.redis, lastsMs);
    over();
  },
};

async function comeBack(redis: RedisServer, afterMs: number): Promise<void> {
  const [, folder] = (await redis.command("CONFIG", "GET", "dir")) as [string, string];
  await redis.stop();
  await sleep(afterMs);
  await redis.restart();
  await rm(join(folder, "dump.rdb"), { force: true });
}
