import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "./client.ts";

export interface ChurnOptions {
  /** Callers at a time, each of whom starts a session and ends it, again and again. */
  readonly inFlight: number;
  /** The time that is measured, after two seconds that do not count. */
  readonly durationMs: number;
}

/** Measures how many sessions start and end in a second. */
export async function startsPerSecond(
  client: Client,
  { inFlight, durationMs }: ChurnOptions,
): Promise<number> {
  let ended = 0;
  let measuring = false;
  let over = false;
  const caller = async (name: string) => {
    for (let round = 0; !over; round += 1) {
      const { id } = await client.start(`${name}-${round}`);
      await client.end(id);
      if (measuring) ended += 1;
    }
  };
  const callers = Array.from({ length: inFlight }, (_, index) => caller(`churn-${index}`));
  await sleep(2_000);
  measuring = true;
  const begunAt = performance.now();
  await sleep(durationMs);
  measuring = false;
  const rate = ended / ((performance.now() - begunAt) / 1_000);
  over = true;
  await Promise.all(callers);
  return rate;
}
