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

export type AddBroken = (
  invariant: Invariant,
  at: number,
  about: readonly string[],
  what: string,
  excuse?: string | null,
) => void;

/** Returns an empty list of cases, and the function that adds one to it. */
export function brokenCases(): { readonly broken: readonly Broken[]; readonly add: AddBroken } {
  const broken: Broken[] = [];
  const add: AddBroken = (invariant, at, about, what, excuse = null) => {
    broken.push({ invariant, at, about, what, excuse });
  };
  return { broken, add };
}
