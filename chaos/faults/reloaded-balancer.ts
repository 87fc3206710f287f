import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";

/** HAProxy is reloaded: a new worker takes over. */
export const reloadedBalancer: Fault = {
  name: "balancer reloaded",
  harms: "balancer",
  lastsMs: [1_000, 1_000],
  weight: 1,
  async run({ fleet, lastsMs }) {
    fleet.balancer.reload();
    await sleep(lastsMs);
  },
};
