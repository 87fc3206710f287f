import type { Fault } from "./faults/fault.ts";
import type { Random } from "./random.ts";

/** A fault that is to happen. */
export interface PlannedFault {
  readonly fault: Fault;
  /** Milliseconds from the beginning of the faults. */
  readonly atMs: number;
  readonly lastsMs: number;
  /** Two numbers of at least 0 and below 1: which of the replicas that fit, and which variant. */
  readonly choice: number;
  readonly variant: number;
}

/** Pause between the beginnings of two faults, in milliseconds. */
const pauseMs = { shortest: 1_500, longest: 7_000 };

/** Faults for so many milliseconds. The same numbers give the same plan. */
export function plan(random: Random, faults: readonly Fault[], forMs: number): readonly PlannedFault[] {
  const byName = new Map(faults.map((fault) => [fault.name, fault]));
  const weights = Object.fromEntries(faults.map(({ name, weight }) => [name, weight]));
  const planned: PlannedFault[] = [];
  let atMs = 0;
  for (;;) {
    atMs += random.between(pauseMs.shortest, pauseMs.longest);
    const fault = byName.get(random.weighted(weights))!;
    // Short ones are more frequent than long ones, which would otherwise take most of the time.
    const [shortest, longest] = fault.lastsMs;
    const lastsMs = Math.round(shortest + (longest - shortest) * random.next() ** 2);
    const choice = random.next();
    const variant = random.next();
    if (atMs + lastsMs > forMs) return planned;
    planned.push({ fault, atMs, lastsMs, choice, variant });
  }
}
