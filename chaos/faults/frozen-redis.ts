import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";

/** Redis stands still, with its connections open. */
export const frozenRedis: Fault = {
  name: "Redis frozen",
  harms: "redis",
  lastsMs: [500, 12_000],
  weight: 2,
  async run({ fleet, lastsMs }) {
    const over = fleet.redisTroubles.begin(false);
    fleet.redis.pause();
    await sleep(lastsMs);
    fleet.redis.resume();
    over();
  },
};
