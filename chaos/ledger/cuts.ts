import { isMoving } from "../fleet/kinds.ts";
import { type Broken, brokenCases } from "./broken.ts";
import type { Ledger } from "./ledger.ts";
import type { Observed } from "./observed.ts";

/** The end reasons of a call that nobody wanted to end. */
const cutting = new Set(["lost", "crashed", "drained", "killed", "unresponsive", "failed", "start_failed"]);
/** The time for which a fault may be the cause of an end, in milliseconds: a lease, the wait for room, and a little. */
const causeMs = 60_000;

/** No call that may move is cut. */
export function cuts(ledger: Ledger, { redisTroubles, exits }: Observed): readonly Broken[] {
  const { broken, add } = brokenCases();
  for (const { id, call, kind, key } of ledger.sessions.values()) {
    const told = ledger.ends.get(id)?.[0];
    if (!isMoving(kind) || told === undefined || !cutting.has(told.endReason)) continue;
    const recent = exits.filter(({ at }) => at <= told.at && told.at - at < causeMs);
    const excuse = redisTroubles.during(told.at - causeMs, told.at, 5_000)
      ? "Redis was away, or had just lost its data"
      : recent.length > 1
        ? "more than one process had ended"
        : null;
    add("calls_cut", told.at, [id, call, key], `${id} (${kind}) ended as ${told.endReason}`, excuse);
  }
  return broken;
}
