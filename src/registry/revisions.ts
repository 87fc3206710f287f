import type { NodeInfo } from "./registry.ts";

/** A process of the fleet, as far as its revision is concerned. */
type Node = Pick<NodeInfo, "revision"> & { readonly epoch: number };

/**
 * Returns the revision that is being rolled out: of those that live the one whose oldest process is the youngest, since epochs grow
 * with time. Null where there is no more than one, so that there is nothing to prefer.
 */
export function newestRevision(nodes: readonly Node[]): string | null {
  const since = new Map<string, number>();
  for (const { revision, epoch } of nodes) {
    if (revision == null) continue;
    since.set(revision, Math.min(since.get(revision) ?? Number.POSITIVE_INFINITY, epoch));
  }
  if (since.size < 2) return null;
  const [newest] = [...since].sort(([, one], [, other]) => other - one);
  return newest?.[0] ?? null;
}
