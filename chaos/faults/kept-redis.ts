import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RedisServer } from "../../test/fixtures/programs/redis-server.ts";
import type { Fault } from "./fault.ts";

/** Redis is gone for a while, and comes back with all that it had. */
export const keptRedis: Fault = {
  name: "Redis stopped, and back with its data",
  harms: "redis",
  lastsMs: [200, 10_000],
  weight: 2,
  async run({ fleet, lastsMs }) {
    const folder = await folderOf(fleet.redis);
    const over = fleet.redisTroubles.begin(false);
    // The connection ends without an answer.
    await fleet.redis.command("SHUTDOWN", "SAVE").catch(() => undefined);
    await comeBack(fleet.redis, folder, lastsMs);
    over();
  },
};

/** Redis is gone for a while, and comes back with what it had some seconds before: what it confirmed after that is lost. */
export const setBackRedis: Fault = {
  name: "Redis stopped, and back with older data",
  harms: "redis",
  lastsMs: [200, 6_000],
  weight: 2,
  async run({ fleet, lastsMs, variant }) {
    const folder = await folderOf(fleet.redis);
    await fleet.redis.command("SAVE");
    const over = fleet.redisTroubles.begin(true);
    await sleep(500 + variant * 4_000);
    await comeBack(fleet.redis, folder, lastsMs);
    over();
  },
};

async function folderOf(redis: RedisServer): Promise<string> {
  const [, folder] = (await redis.command("CONFIG", "GET", "dir")) as [string, string];
  return folder;
}

async function comeBack(redis: RedisServer, folder: string, afterMs: number): Promise<void> {
  await redis.stop();
  await sleep(afterMs);
  await redis.restart();
  await rm(join(folder, "dump.rdb"), { force: true });
}
