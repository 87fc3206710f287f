import { setTimeout as sleep } from "node:timers/promises";
import { machineNow } from "./clock.ts";
import { allFaults } from "./faults/all-faults.ts";
import type { Fleet } from "./fleet/fleet.ts";
import type { Life } from "./fleet/life.ts";
import type { Slot } from "./fleet/slot.ts";
import type { Broken } from "./ledger/broken.ts";

const pauseMs = 1_000;
/** A main thread that answers later stands still, in milliseconds on a machine with little else to do. */
const answersWithinMs = 5_000;
/** The time for which a process must have been well before what it holds is looked at, in milliseconds. */
const warmAfterMs = 4_000;
const leavesServing = new Set(allFaults.filter((fault) => fault.leavesServing).map(({ name }) => name));

/** Asks each replica whether it is alive, while the faults happen, and notes what it holds when it has become warm. */
export async function watch(fleet: Fleet, over: AbortSignal): Promise<readonly Broken[]> {
  const broken: Broken[] = [];
  const look = async (slot: Slot) => {
    const { life } = slot;
    if (!life?.lives) return;
    if (life.usageAtRest === null && machineNow() - slot.wellSince > warmAfterMs)
      life.usageAtRest = life.usage();
    await lookAtRegistry(fleet, slot, life);
    if (!isToAnswer(slot)) return;
    const askedAt = machineNow();
    const withinMs = Math.round(answersWithinMs * fleet.busyness.factor);
    if (await slot.answers(withinMs)) return;
    if (over.aborted || slot.life !== life || !life.lives || !isToAnswer(slot) || slot.wellSince > askedAt)
      return;
    const what = `${slot.name} (${slot.harm ?? "unharmed"}) did not answer /health within ${withinMs} ms`;
    broken.push({ invariant: "stands_still", at: askedAt, what, about: [slot.name], excuse: null });
  };
  while (!over.aborted) {
    fleet.busyness.look();
    await Promise.all(fleet.slots.map(look));
    await sleep(pauseMs, undefined, { signal: over }).catch(() => undefined);
  }
  return broken;
}

/** Redis may be out of reach for one replica also where nobody harmed it, such as on a busy machine: the replica says so. */
async function lookAtRegistry({ redisTroubles }: Fleet, slot: Slot, life: Life): Promise<void> {
  const since = life.registryLookedAt;
  const errors = await slot.metric("greenroom_registry_command_errors_total");
  if (Number.isNaN(errors)) return;
  if (errors > life.registryErrors) redisTroubles.happened(since, machineNow());
  life.registryErrors = errors;
  life.registryLookedAt = machineNow();
}

const isToAnswer = ({ harm, wellSince }: Slot): boolean =>
  Number.isFinite(wellSince) && (harm === null || leavesServing.has(harm));
