import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";

/** The volume that a replica logs to has no byte left for a while. */
export const fullVolume: Fault = {
  name: "log volume full",
  harms: "replica",
  lastsMs: [3_000, 15_000],
  weight: 1,
  leavesServing: true,
  fits: ({ logsToVolume }) => logsToVolume,
  async run({ fleet, lastsMs }) {
    fleet.logVolume?.fill();
    await sleep(lastsMs);
    fleet.logVolume?.relieve();
  },
};
