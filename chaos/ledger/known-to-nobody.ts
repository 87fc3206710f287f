import type { Observed } from "./observed.ts";

/**
 * Returns the reason for which it may be that nobody knows what happened in a session at this time: docs/operations.md says so
 * of what happens in a replica while Redis is away. Null: it has to be known.
 */
export function knownToNobody(
  { heard, exits, redisTroubles }: Observed,
  session: string,
  at: number,
): string | null {
  const pids = new Set(heard.filter((one) => one.session === session).map(({ pid }) => pid));
  // Where its process was killed before its agent was heard, it may have been any.
  const ended = exits.filter(({ pid }) => pids.size === 0 || pids.has(pid));
  const isUnknown = ended.some((exit) => redisTroubles.knownToNobody(at, exit.at));
  return isUnknown ? "Redis was away, and the process ended before it was back" : null;
}
