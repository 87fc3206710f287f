import type { RedisClient } from "./connection/client.ts";

/** The options of the registry in Redis, filled in. Times are in milliseconds. */
export interface FilledRedisRegistryOptions {
  readonly url?: string | undefined;
  readonly client?: RedisClient | undefined;
  readonly keyPrefix: string;
  readonly leaseMs: number;
  readonly commandTimeoutMs: number;
  readonly whileAway: "allow" | "refuse";
  readonly maxConcurrentSessions: number | null;
  /** The secrets that encrypt the states of calls, with spaces between: the first encrypts, all decrypt. */
  readonly stateKey?: string | undefined;
}

/** The time between two heartbeats of a process, in milliseconds. */
export const heartbeatMs = 1_000;

/** Returns a prefix with a hash tag, which keeps all keys in one place of a cluster. */
export function taggedPrefix(prefix: string): string {
  return /\{[^}]+\}/.test(prefix) ? prefix : `{${prefix}}`;
}
