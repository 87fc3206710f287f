import { setTimeout as sleep } from "node:timers/promises";
import type { ReceiverMode } from "../fleet/webhook-receiver.ts";
import type { Fault } from "./fault.ts";

const modes = ["failing", "busy", "hanging", "late", "refusing"] as const satisfies ReceiverMode[];

/** The receiver of webhooks answers 500 or 429, not at all, late, or is not there. */
export const failingReceiver: Fault = {
  name: "receiver fails",
  harms: "receiver",
  lastsMs: [2_000, 25_000],
  weight: 2,
  async run({ fleet, lastsMs, variant, note }) {
    const mode = modes[Math.floor(variant * modes.length)]!;
    note(`the receiver is ${mode}`);
    await fleet.receiver.become(mode);
    await sleep(lastsMs);
    await fleet.receiver.become("well");
  },
};
