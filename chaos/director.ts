import { setTimeout as sleep } from "node:timers/promises";
import { machineNow } from "./clock.ts";
import type { Harm } from "./faults/fault.ts";
import type { Fleet } from "./fleet/fleet.ts";
import type { Slot } from "./fleet/slot.ts";
import type { PlannedFault } from "./plan.ts";
import type { Timeline } from "./timeline.ts";

/** Has the faults of a plan happen, each at its time, beside each other where they harm different things. */
export class Director {
  readonly #fleet: Fleet;
  readonly #timeline: Timeline;
  readonly #running = new Set<Promise<void>>();
  readonly #harmed = new Set<Harm>();
  /** The number of times that each fault happened. */
  readonly counts = new Map<string, number>();
  /** Faults of the plan for which there was no place at their time. */
  skipped = 0;
  /** Faults that could not be undone. */
  readonly failures: string[] = [];

  constructor(fleet: Fleet, timeline: Timeline) {
    this.#fleet = fleet;
    this.#timeline = timeline;
  }

  /** Resolves when all faults are over. */
  async play(planned: readonly PlannedFault[]): Promise<void> {
    const beganAt = machineNow();
    for (const one of planned) {
      await sleep(Math.max(0, beganAt + one.atMs - machineNow()));
      const slot = this.#placeOf(one);
      if (slot === null) {
        this.skipped += 1;
        continue;
      }
      const run = this.#run(one, slot);
      this.#running.add(run);
      void run.then(() => this.#running.delete(run));
    }
    await Promise.all(this.#running);
  }

  /** Finds the slot for a fault; null where it cannot happen now. */
  #placeOf({ fault, choice }: PlannedFault): Slot | null {
    const { occupied, size } = this.#fleet;
    const free = occupied.filter(({ harm }) => harm === null);
    if (fault.harms !== "replica" && this.#harmed.has(fault.harms)) return null;
    // One replica at the least goes on.
    if (fault.harms === "replica" && (occupied.length < size || free.length <= 1)) return null;
    const fitting = fault.fits ? free.filter((slot) => fault.fits?.(slot, this.#fleet)) : free;
    return fitting[Math.floor(choice * fitting.length)] ?? null;
  }

  async #run({ fault, lastsMs, variant }: PlannedFault, slot: Slot): Promise<void> {
    const harmsReplica = fault.harms === "replica";
    const { name } = slot;
    const about = harmsReplica ? [name] : [];
    const title = `${fault.name}${harmsReplica ? ` of ${name}` : ""}`;
    const note = (what: string) => this.#timeline.fault(`${title}: ${what}`, about);
    this.counts.set(fault.name, (this.counts.get(fault.name) ?? 0) + 1);
    if (harmsReplica) slot.harm = fault.name;
    else this.#harmed.add(fault.harms);
    this.#timeline.fault(`${title}${lastsMs > 0 ? `, for ${(lastsMs / 1_000).toFixed(1)} s` : ""}`, about);
    try {
      await fault.run({ fleet: this.#fleet, slot, lastsMs, variant, note });
      note("over");
    } catch (error) {
      note(`failed: ${String(error)}`);
      this.failures.push(`${title}: ${String(error)}`);
    } finally {
      if (harmsReplica) {
        slot.harm = null;
        if (slot.life?.lives) slot.wellSince = machineNow();
      } else this.#harmed.delete(fault.harms);
    }
  }
}
