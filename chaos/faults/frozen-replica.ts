import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";

/** SIGSTOP, and SIGCONT after a while: a virtual machine that is paused. */
export const frozenReplica: Fault = {
  name: "SIGSTOP",
  harms: "replica",
  lastsMs: [1_000, 20_000],
  weight: 3,
  async run({ slot, lastsMs }) {
    slot.life?.signal("SIGSTOP");
    await sleep(lastsMs);
    slot.life?.signal("SIGCONT");
  },
};
