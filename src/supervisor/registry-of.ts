import { MemoryRegistry } from "../registry/memory.ts";
import { RedisRegistry } from "../registry/redis/registry.ts";
import type { SessionRegistry } from "../registry/registry.ts";
import type { FilledLauncherOptions } from "./launcher-options.ts";

/** Returns the registry that the options name: the given one, one in Redis, or one in the memory of this process. */
export function registryOf({ registry }: FilledLauncherOptions): SessionRegistry {
  if (registry === undefined) return new MemoryRegistry();
  return "claim" in registry ? registry : new RedisRegistry(registry);
}
