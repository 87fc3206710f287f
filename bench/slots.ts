import { setTimeout as sleep } from "node:timers/promises";

const patience = 60_000;

/** Waits until exactly this many threads are warm and none is on its way, as `GET /metrics` tells. */
export async function settled(exposition: () => Promise<string>, warm: number): Promise<void> {
  const until = performance.now() + patience;
  while (performance.now() < until) {
    const slots = slotsByState(await exposition());
    if (slots.get("warm") === warm && slots.get("starting") === 0) return;
    await sleep(10);
  }
  throw new Error(`There were not ${warm} warm threads within ${patience} ms`);
}

export function slotsByState(exposition: string): ReadonlyMap<string, number> {
  const lines = exposition.matchAll(/^greenroom_pool_slots\{state="(\w+)"\} (\d+)$/gm);
  return new Map(lines.map(([, state = "", count]) => [state, Number(count)]));
}
