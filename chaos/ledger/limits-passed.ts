import { heartbeatIntervalMs } from "../fleet/heartbeat.ts";
import type { Heard } from "../fleet/heartbeat-collector.ts";
import { limits } from "../fleet/limits.ts";
import type { Broken } from "./broken.ts";
import type { Ledger } from "./ledger.ts";
import type { Observed } from "./observed.ts";
import { withoutRedis } from "./places.ts";

/** An agent too many may be heard for so long, in milliseconds: frozen ones wake up. */
const wakeUpMs = 1_200;
/** An agent is in its call from one time that it was heard to the next, unless it was silent for longer than this. */
const silentMs = 3 * heartbeatIntervalMs;

/** Neither the fleet nor a replica has more agents in calls than it may. */
export function limitsPassed(
  _: Ledger,
  { heard: all, redisTroubles, slowness }: Observed,
): readonly Broken[] {
  const broken: Broken[] = [];
  const toleratedMs = wakeUpMs * slowness;
  for (const { from, to, most } of excesses(all, limits.sessionsOfFleet, toleratedMs)) {
    const what = `${most} agents were in calls, of ${limits.sessionsOfFleet}, for ${Math.round(to - from)} ms`;
    // Sessions that began while Redis was away go on after that.
    const excuse = withoutRedis(redisTroubles, from - limits.longestSessionMs, to);
    broken.push({ invariant: "fleet_limit_passed", at: from, about: [], what, excuse });
  }
  for (const [pid, heard] of Map.groupBy(all, (one) => one.pid)) {
    for (const { from, to, most } of excesses(heard, limits.sessionsPerReplica, toleratedMs)) {
      const what = `${most} agents of the process ${pid} were in calls, of ${limits.sessionsPerReplica}, for ${Math.round(to - from)} ms`;
      broken.push({ invariant: "replica_limit_passed", at: from, about: [], what, excuse: null });
    }
  }
  return broken;
}

interface Excess {
  readonly from: number;
  readonly to: number;
  readonly most: number;
}

function excesses(all: readonly Heard[], limit: number, toleratedMs: number): readonly Excess[] {
  const changes = all.flatMap(({ times }) => spans(times)).toSorted((one, other) => one.at - other.at);
  const found: Excess[] = [];
  let count = 0;
  let from = 0;
  let most = 0;
  for (const { at, by } of changes) {
    const was = count;
    count += by;
    if (was <= limit && count > limit) [from, most] = [at, count];
    most = Math.max(most, count);
    if (was > limit && count <= limit && at - from > toleratedMs) found.push({ from, to: at, most });
  }
  return found;
}

/** Returns when it came and went. */
function spans(times: readonly number[]): readonly { readonly at: number; readonly by: 1 | -1 }[] {
  return times.flatMap((at, index) => {
    const before = times[index - 1];
    const after = times[index + 1];
    return [
      ...(before === undefined || at - before > silentMs ? [{ at, by: 1 as const }] : []),
      ...(after === undefined || after - at > silentMs ? [{ at, by: -1 as const }] : []),
    ];
  });
}
