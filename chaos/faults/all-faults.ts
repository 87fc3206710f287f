import { cutReplica } from "./cut-replica.ts";
import { emptiedRedis } from "./emptied-redis.ts";
import { failingReceiver } from "./failing-receiver.ts";
import type { Fault } from "./fault.ts";
import { frozenRedis } from "./frozen-redis.ts";
import { frozenReplica } from "./frozen-replica.ts";
import { fullVolume } from "./full-volume.ts";
import { jumpedClock } from "./jumped-clock.ts";
import { keptRedis } from "./kept-redis.ts";
import { killedBesideEmptyRedis } from "./killed-beside-empty-redis.ts";
import { killedReplica } from "./killed-replica.ts";
import { reloadedBalancer } from "./reloaded-balancer.ts";
import { restartedRedis } from "./restarted-redis.ts";
import { rolledReplica } from "./rolled-replica.ts";
import { stalledLog } from "./stalled-log.ts";

/** The faults that happen in a run, unless it is told otherwise. */
export const allFaults: readonly Fault[] = [
  killedReplica,
  rolledReplica,
  frozenReplica,
  cutReplica,
  stalledLog,
  fullVolume,
  jumpedClock,
  frozenRedis,
  emptiedRedis,
  restartedRedis,
  keptRedis,
  killedBesideEmptyRedis,
  failingReceiver,
  reloadedBalancer,
];
