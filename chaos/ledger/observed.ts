import type { Heard } from "../fleet/heartbeat-collector.ts";
import type { ProcessExit } from "../fleet/life.ts";
import type { RedisTroubles } from "../fleet/redis-troubles.ts";

/** What was seen of a run from outside the servers, beside what is in the ledger. */
export interface Observed {
  /** One for each session and process. */
  readonly heard: readonly Heard[];
  /** What was wrong with messages of webhooks. */
  readonly flaws: readonly string[];
  readonly redisTroubles: RedisTroubles;
  /** When processes of replicas ended. */
  readonly exits: readonly ProcessExit[];
  /** How much longer than on a machine with little else to do things take: 1 and more. */
  readonly slowness: number;
}
