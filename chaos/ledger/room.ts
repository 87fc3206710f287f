import { machineNow } from "../clock.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { limits } from "../fleet/limits.ts";
import type { Ledger, WantedStart } from "./ledger.ts";

/** A replica is known to have room once it was well for so long, in milliseconds: checks of the balancer, leases, heartbeats. */
const settledMs = 15_000;
/**
 * The time for which a session that has ended may still hold its place, in milliseconds: the lease of a dead replica,
 * the grace of a close.
 */
const holdsMs = limits.leaseMs + limits.closeGraceMs + 4_000;
/** Places that are not counted, since things cross each other on their way. */
const margin = 3;

/** Says why a start that was refused had room, by what is known outside. Null where it had none, or nobody can say. */
export function roomSaid(fleet: Fleet, ledger: Ledger, start: WantedStart, code: string): string | null {
  const now = machineNow();
  const occupying = ledger.occupying(fleet.heartbeats.all, holdsMs);
  if (code === "CALL_FULL") {
    // The balancer may have sent the start to a replica that ended just then, and holds the place until its lease is over.
    if (fleet.lostProcess(holdsMs, now)) return null;
    const mayHoldItself = start.attempts.length > 1;
    const others = [...occupying.values()].filter(
      ({ key, call }) => call === start.call && (key !== start.key || mayHoldItself),
    );
    return others.length > 0 ? null : "nobody is in that call";
  }
  const well = fleet.well(settledMs, now);
  const places = Math.min(well.length * limits.sessionsPerReplica, limits.sessionsOfFleet);
  if (code === "POOL_FULL" || code === "FLEET_FULL") {
    const left = places - margin - occupying.size;
    if (left <= 0) return null;
    return `${well.map(({ name }) => name).join(", ")} have ${places} places, and ${occupying.size} may be taken`;
  }
  // Other codes tell of faults: they are wrong only where there are none.
  const isCalm = well.length === fleet.size && !fleet.redisTroubles.during(now - settledMs, now, 0);
  return isCalm && occupying.size + margin < places
    ? `nothing was wrong, and ${occupying.size} places may be taken`
    : null;
}
