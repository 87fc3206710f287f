import { heartbeatIntervalMs } from "../fleet/heartbeat.ts";
import type { Heard } from "../fleet/heartbeat-collector.ts";

/**
 * Returns the time for which an agent was in its call between these times, in milliseconds. A process that stands still
 * is in no call: what counts is how often the agent was heard.
 */
export function presentMs({ times }: Heard, from: number, to = Number.POSITIVE_INFINITY): number {
  const heard = times.filter((at) => at >= from && at <= to).length;
  return Math.max(0, heard - 1) * heartbeatIntervalMs;
}

/** Returns the time for which both were in their calls at the same time, in milliseconds, and since when. */
export function together(one: Heard, other: Heard): { readonly from: number; readonly ms: number } {
  const from = Math.max(one.times[0]!, other.times[0]!);
  const to = Math.min(one.times.at(-1)!, other.times.at(-1)!);
  return { from, ms: from > to ? 0 : Math.min(presentMs(one, from, to), presentMs(other, from, to)) };
}
