import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";

/** One replica cannot reach Redis, while its peers and clients reach it: connections break, or swallow everything. */
export const cutReplica: Fault = {
  name: "replica cut off from Redis",
  harms: "replica",
  lastsMs: [1_000, 15_000],
  weight: 2,
  leavesServing: true,
  async run({ fleet, slot, lastsMs, variant, note }) {
    const swallows = variant < 0.3;
    note(swallows ? "its connections swallow everything" : "its connections break");
    const over = fleet.redisTroubles.begin(false);
    if (swallows) slot.relay.swallow();
    else slot.relay.cut();
    await sleep(lastsMs);
    slot.relay.mend();
    over();
  },
};
