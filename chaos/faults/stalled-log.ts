import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";

/** The fault by which whoever reads the log of a replica stops reading for a while. */
export const stalledLog: Fault = {
  name: "log reader stalled",
  harms: "replica",
  lastsMs: [3_000, 20_000],
  weight: 1,
  leavesServing: true,
  fits: ({ logsToVolume }) => !logsToVolume,
  async run({ slot, lastsMs }) {
    const { life } = slot;
    life?.process.stdout?.pause();
    await sleep(lastsMs);
    life?.process.stdout?.resume();
  },
};
