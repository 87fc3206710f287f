import { setTimeout as sleep } from "node:timers/promises";
import { limits } from "../fleet/limits.ts";
import type { Fault } from "./fault.ts";

/** kill -9 of a replica, and Redis forgets everything within its lease. */
export const killedBesideEmptyRedis: Fault = {
  name: "kill -9, then Redis emptied",
  harms: "replica",
  lastsMs: [500, 8_000],
  weight: 1,
  async run({ fleet, slot, lastsMs, variant }) {
    await slot.life?.end("SIGKILL");
    await sleep(variant * (limits.leaseMs - 1_000));
    const over = fleet.redisTroubles.begin(true);
    await fleet.redis.flush().catch(() => undefined);
    over();
    await sleep(lastsMs);
    await slot.start("same");
  },
};
