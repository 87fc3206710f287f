/* Made by `npm run docs` from the tables of `src/options/`: change it there. */

import type { RedisClient } from "../registry/redis/connection/client.ts";

/** A Redis (6 or later) that the processes of a fleet share. All times are in milliseconds. */
export interface RedisRegistryOptions {
  /** `redis://`, or `rediss://` for TLS; user, password and database number as usual. Either this or `client`. */
  readonly url?: string;
  /**
   * A client that `createClient` of `@redis/client` made, connected or not, with TLS certificates and all
   * that a URL cannot say. The registry makes a connection of its own like it.
   */
  readonly client?: RedisClient;
  /**
   * The beginning of every key. It is put in braces as a hash tag, unless it holds one.
   * @default "greenroom"
   */
  readonly keyPrefix?: string;
  /**
   * A process that has not been heard of for so long, in milliseconds, is held to be dead: its sessions go on
   * in others, or are lost.
   * @default 10000
   */
  readonly leaseMs?: number;
  /**
   * The longest time that a start, or a look at another's session, waits for Redis, in milliseconds.
   * @default 1000
   */
  readonly commandTimeoutMs?: number;
  /**
   * The policy for starts while Redis does not answer. `allow`: limits hold for each process by itself, and
   * no call is missed. `refuse`: 503, and no limit is ever exceeded.
   * @default "allow"
   */
  readonly whileAway?: "allow" | "refuse";
  /**
   * The longest time that the start waits for Redis to answer for the first time, in milliseconds; then it
   * fails with REGISTRY_UNAVAILABLE. Nothing is served before, so that a wrong address never takes the place
   * of a fleet that works. `null`: the start does not wait, and serves alone until Redis answers.
   * @default null
   */
  readonly contactTimeoutMs?: number | null;
  /**
   * Encrypts what Redis keeps of a conversation, so that another process can go on with it: 32 characters or
   * more, the same for all processes. To change it while the fleet runs, give several, with spaces between:
   * the first encrypts, all decrypt. Without it the conversations of live calls are in Redis in plain form.
   */
  readonly stateKey?: string;
  /**
   * The most sessions at a time in all processes together; `null`: the sum of what each can take.
   * @default null
   */
  readonly maxConcurrentSessions?: number | null;
}
