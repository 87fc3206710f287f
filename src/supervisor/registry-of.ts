import type { ServerLog } from "../log/log.ts";
import { Journal } from "../registry/journal/journal.ts";
import { MemoryRegistry } from "../registry/memory.ts";
import { RedisRegistry } from "../registry/redis/registry.ts";
import type { SessionRegistry } from "../registry/registry.ts";
import type { FilledLauncherOptions } from "./launcher-options.ts";

/** Returns the registry that the options name: the given one, one in Redis, or the process's own memory, with a journal or without. */
export function registryOf({ registry, stateDir }: FilledLauncherOptions, log: ServerLog): SessionRegistry {
  if (registry !== undefined) return "claim" in registry ? registry : new RedisRegistry(registry);
  return new MemoryRegistry(stateDir === undefined ? null : new Journal({ folder: stateDir, log }));
}
