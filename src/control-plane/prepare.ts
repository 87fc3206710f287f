const prepare = Symbol.for("greenroom.prepare");

/**
 * Gives a dependency a check that runs once at the start of the server. It cannot run earlier: the module that makes the
 * dependency is loaded in the session threads too, where the secrets are not.
 */
export function preparable<T extends object>(dependency: T, check: () => void): T {
  return Object.assign(dependency, { [prepare]: check });
}

/** Runs the check, where there is one. It throws INVALID_OPTIONS. */
export function prepareDependency(dependency: object): void {
  const check = (dependency as { [prepare]?: unknown })[prepare];
  if (typeof check === "function") check();
}
