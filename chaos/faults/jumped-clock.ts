import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";

/** The most that the clock of a replica is ahead or behind, in seconds: receivers of webhooks forgive 5 minutes. */
const furthestSeconds = 240;

/** The clock of one replica jumps while it runs, ahead or back, and stays there. */
export const jumpedClock: Fault = {
  name: "clock jumps",
  harms: "replica",
  lastsMs: [1_500, 1_500],
  weight: 1,
  leavesServing: true,
  fits: ({ clockFile }) => clockFile !== null,
  async run({ slot, lastsMs, variant, note }) {
    const seconds = Math.round((variant * 2 - 1) * furthestSeconds);
    note(`its clock is ${seconds} s from the others'`);
    await writeFile(slot.clockFile!, `${seconds < 0 ? "" : "+"}${seconds}`);
    // It is looked at once a second.
    await sleep(lastsMs);
  },
};
