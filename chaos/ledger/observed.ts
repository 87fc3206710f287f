import type { Heard } from "../fleet/heartbeat-collector.ts";
import type { ProcessExit } from "../fleet/life.ts";
import type { RedisTroubles } from "../fleet/redis-troubles.ts";

/** The observations of a run from outside the servers, beside what is in the ledger. */
export interface Observed {
  /** One for each session and process. */
  readonly heard: readonly Heard[];
  /** The flaws of messages of webhooks. */
  readonly flaws: readonly string[];
  readonly redisTroubles: RedisTroubles;
  /** The times at which processes of replicas ended. */
  readonly exits: readonly ProcessExit[];
  /** The times at which processes of replicas were frozen or killed. */
  readonly stops: readonly ProcessExit[];
  /** The factor by which things take longer than on a machine with little else to do: 1 and more. */
  readonly slowness: number;
}
