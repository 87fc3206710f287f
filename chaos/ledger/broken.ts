import type { Invariant } from "./invariants.ts";

/** A case in which an invariant did not hold. */
export interface Broken {
  readonly invariant: Invariant;
  /** The time by the clock of the machine, in milliseconds. */
  readonly at: number;
  readonly what: string;
  /** Ids of sessions, calls, keys and nodes that the case concerns. */
  readonly about: readonly string[];
  /** The reason for which this case is allowed, where the documentation says that it may happen. */
  readonly excuse: string | null;
}
