import type { RedisClient } from "./client.ts";

/** How the registry in Redis behaves, filled in. Times in milliseconds. */
export interface FilledRedisRegistryOptions {
  readonly url?: string | undefined;
  readonly client?: RedisClient | undefined;
  readonly keyPrefix: string;
  readonly leaseMs: number;
  readonly commandTimeoutMs: number;
  readonly whileAway: "allow" | "refuse";
  readonly maxConcurrentSessions: number | null;
}

/** How often a process tells that it lives, in milliseconds. */
export const heartbeatMs = 1_000;

/** A prefix with a hash tag, which keeps all keys in one place of a cluster. */
export function taggedPrefix(prefix: string): string {
  return /\{[^}]+\}/.test(prefix) ? prefix : `{${prefix}}`;
}
