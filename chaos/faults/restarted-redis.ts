import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";

/** Redis is gone for a while, and comes back empty. */
export const restartedRedis: Fault = {
  name: "Redis stopped, and back empty",
  harms: "redis",
  lastsMs: [200, 10_000],
  weight: 2,
  async run({ fleet, lastsMs }) {
    const over = fleet.redisTroubles.begin(true);
    await fleet.redis.stop();
    await sleep(lastsMs);
    await fleet.redis.restart();
    over();
  },
};
