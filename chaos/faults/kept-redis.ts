import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";

/** Redis is gone for a while, and comes back with what it had on disk. */
export const keptRedis: Fault = {
  name: "Redis stopped, and back with its data",
  harms: "redis",
  lastsMs: [200, 10_000],
  weight: 2,
  async run({ fleet, lastsMs }) {
    const { redis } = fleet;
    const [, folder] = (await redis.command("CONFIG", "GET", "dir")) as [string, string];
    const over = fleet.redisTroubles.begin(false);
    await redis.command("SAVE");
    await redis.stop();
    await sleep(lastsMs);
    await redis.restart();
    over();
    await rm(join(folder, "dump.rdb"), { force: true });
  },
};
