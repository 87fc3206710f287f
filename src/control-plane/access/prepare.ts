import { plainError } from "../../shared/errors.ts";
import type { KeyRing } from "./api-keys/key-ring.ts";

const prepare = Symbol.for("greenroom.prepare");

interface Preparation {
  readonly check: () => void;
  /** The treatment of a failed check where the server may not even use the dependency. */
  readonly unnamed: "refuse" | "warn";
  /** The keys that it lets in, which may change while the server runs. */
  readonly keys?: KeyRing;
}

export interface Prepared {
  /** The faults of dependencies that may be unused. */
  readonly warnings: readonly string[];
  readonly keyRings: readonly KeyRing[];
}

/** The dependencies that no option has named so far. Other dependencies may resolve them, or they are unused. */
const unnamed = new Map<object, Preparation>();

/**
 * Gives a dependency a check that runs once at the start of the server. It cannot run earlier: the module that makes
 * the dependency is loaded in the session threads too, where the secrets are not available. No server starts there.
 */
export function preparable<T extends object>(dependency: T, preparation: Preparation): T {
  unnamed.set(dependency, preparation);
  return Object.assign(dependency, { [prepare]: preparation });
}

/**
 * Runs the checks of the dependencies that options name, and of those that they may resolve, which is known only when a
 * request does. Throws INVALID_OPTIONS for the first that fails.
 */
export function prepareDependencies(named: readonly object[]): Prepared {
  const keyRings = new Set<KeyRing>();
  const run = ({ check, keys }: Preparation) => {
    check();
    if (keys) keyRings.add(keys);
  };
  for (const dependency of named) {
    unnamed.delete(dependency);
    const preparation = preparationOf(dependency);
    if (preparation) run(preparation);
  }
  const warnings: string[] = [];
  // Greenroom's own dependencies resolve no others.
  const others = named.every((dependency) => preparationOf(dependency) !== undefined) ? [] : unnamed.values();
  for (const preparation of others) {
    try {
      run(preparation);
    } catch (error) {
      if (preparation.unnamed === "refuse") throw error;
      warnings.push(plainError(error).message);
    }
  }
  return { warnings, keyRings: [...keyRings] };
}

function preparationOf(dependency: object): Preparation | undefined {
  return (dependency as { readonly [prepare]?: Preparation })[prepare];
}
