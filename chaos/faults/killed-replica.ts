import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";

/** kill -9, and the container is started again after a while, under the same name. */
export const killedReplica: Fault = {
  name: "kill -9",
  harms: "replica",
  lastsMs: [200, 8_000],
  weight: 3,
  async run({ slot, lastsMs }) {
    await slot.life?.end("SIGKILL");
    await sleep(lastsMs);
    await slot.start("same");
  },
};
