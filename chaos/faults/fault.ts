import type { Fleet } from "../fleet/fleet.ts";
import type { Slot } from "../fleet/slot.ts";

/**
 * The kinds of things that are harmed. Of each kind, only as much may be harmed at a time as leaves the fleet able to
 * serve.
 */
export type Harm = "replica" | "redis" | "receiver" | "balancer";

/** The scene of a fault: where and how it happens, as the plan has it. */
export interface FaultScene {
  readonly fleet: Fleet;
  /** The replica that it harms. A fault that harms none gets one all the same. */
  readonly slot: Slot;
  readonly lastsMs: number;
  /** A number of at least 0 and below 1, which tells apart the variants that a fault has. */
  readonly variant: number;
  /** Writes into the timeline. */
  readonly note: (what: string) => void;
}

/** Something that goes wrong, and is right again when `run` resolves. */
export interface Fault {
  readonly name: string;
  readonly harms: Harm;
  /** The shortest and the longest time, in milliseconds. */
  readonly lastsMs: readonly [number, number];
  /** The frequency with which it comes, beside the others. */
  readonly weight: number;
  /** False where it cannot be in this replica, such as a jump of a clock that is not its own. */
  fits?(slot: Slot, fleet: Fleet): boolean;
  /** True where the replica goes on as before meanwhile: its main thread must answer, and it has room. */
  readonly leavesServing?: boolean;
  run(scene: FaultScene): Promise<void>;
}
