import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";

/** The time for which a replica waits for a last look at its metrics before it ends, in milliseconds. */
const scrapePauseMs = 1_000;

/** SIGTERM, as in a rollout: a new replica serves at another address before the old one is asked to end. */
export const rolledReplica: Fault = {
  name: "SIGTERM",
  harms: "replica",
  lastsMs: [0, 0],
  weight: 2,
  fits: (_, fleet) => fleet.slots.some(({ life, harm }) => !life?.lives && harm === null),
  async run({ fleet, slot, note }) {
    const spare = fleet.slots.find(({ life, harm }) => !life?.lives && harm === null);
    if (!spare) return;
    spare.harm = "it begins";
    const { nodeId } = await spare.start("new").finally(() => {
      // From here on it may be harmed like any other.
      spare.harm = null;
    });
    note(`${nodeId} serves in place of ${slot.name}`);
    const ended = slot.life?.end("SIGTERM");
    while (slot.life?.lives) {
      await slot.metric("greenroom_sessions");
      await Promise.race([ended, sleep(scrapePauseMs)]);
    }
    note(`${slot.name} has ended: ${slot.life?.howItEnded}`);
  },
};
