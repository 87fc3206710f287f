import { plainError } from "../errors.ts";

const prepare = Symbol.for("greenroom.prepare");

interface Preparation {
  readonly check: () => void;
  /** What becomes of a server that may not even use the dependency, where the check fails. */
  readonly unnamed: "refuse" | "warn";
}

/** Those that no option has named so far. Others may resolve them, or nobody uses them. */
const unnamed = new Map<object, Preparation>();

/**
 * Gives a dependency a check that runs once at the start of the server. It cannot run earlier: the module that makes the
 * dependency is loaded in the session threads too, where the secrets are not. There, no server starts.
 */
export function preparable<T extends object>(dependency: T, preparation: Preparation): T {
  unnamed.set(dependency, preparation);
  return Object.assign(dependency, { [prepare]: preparation.check });
}

/**
 * Runs the checks of the dependencies that options name, and of those that they may resolve, which shows only when a request
 * does. Throws INVALID_OPTIONS of the first that fails; returns warnings of those that may well be unused.
 */
export function prepareDependencies(named: readonly object[]): string[] {
  for (const dependency of named) {
    unnamed.delete(dependency);
    checkOf(dependency)?.();
  }
  // Dependencies of our own resolve no others.
  if (named.every((dependency) => checkOf(dependency) !== undefined)) return [];
  const warnings: string[] = [];
  for (const [dependency, { check, unnamed: consequence }] of unnamed) {
    try {
      check();
      unnamed.delete(dependency);
    } catch (error) {
      if (consequence === "refuse") throw error;
      warnings.push(plainError(error).message);
    }
  }
  return warnings;
}

function checkOf(dependency: object): (() => void) | undefined {
  const check = (dependency as { [prepare]?: unknown })[prepare];
  return typeof check === "function" ? (check as () => void) : undefined;
}
