import type { Fault } from "./fault.ts";

/** Redis forgets everything, and goes on. */
export const emptiedRedis: Fault = {
  name: "Redis emptied",
  harms: "redis",
  lastsMs: [0, 0],
  weight: 2,
  async run({ fleet }) {
    const over = fleet.redisTroubles.begin(true);
    await fleet.redis.flush();
    over();
  },
};
