import { extname } from "node:path";
import { providers } from "../../shared/provider-table.ts";

// The extension is .ts in the clone and .js in the package.
const extension = extname(import.meta.url);

/**
 * The modules of Greenroom's own edges, by the edge's `provider`. A call in memory needs none: it ends with its thread.
 */
const ownModules = Object.entries(providers)
  .filter(([, { leavesCalls }]) => leavesCalls)
  .map(([name]) => [name, new URL(`../../providers/${name}/leave-module${extension}`, import.meta.url).href]);

/**
 * Returns the modules that leave calls for dead threads, by the edge's `provider`: a closed table of `file:` URLs. A
 * thread names a provider, and never a module, so that no agent's code decides what the main thread loads.
 * @param given The application's own modules, for edges of its own; they replace Greenroom's.
 */
export function leaveModulesOf(given: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries({ ...Object.fromEntries(ownModules), ...given }));
}
