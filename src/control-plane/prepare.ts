const prepare = Symbol.for("greenroom.prepare");

/** Those whose check has not succeeded, of dependencies that no option names: others may resolve them. */
const pending = new Set<object>();

/**
 * Gives a dependency a check that runs once at the start of the server. It cannot run earlier: the module that makes the
 * dependency is loaded in the session threads too, where the secrets are not. There, no server starts.
 */
export function preparable<T extends object>(dependency: T, check: () => void): T {
  pending.add(dependency);
  return Object.assign(dependency, { [prepare]: check });
}

/** Runs the check of a dependency that an option names, where it has one. It throws INVALID_OPTIONS. */
export function prepareDependency(dependency: object): void {
  pending.delete(dependency);
  runCheck(dependency);
}

/**
 * Runs the checks of all others that were made. Which of them are used shows only when a request resolves them, and that
 * would be too late to learn that nobody can be let in. Throws INVALID_OPTIONS.
 */
export function prepareOthers(): void {
  for (const dependency of pending) {
    runCheck(dependency);
    pending.delete(dependency);
  }
}

function runCheck(dependency: object): void {
  const check = (dependency as { [prepare]?: unknown })[prepare];
  if (typeof check === "function") check();
}
