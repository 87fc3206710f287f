import { availableParallelism } from "node:os";
import type { AgentLauncherOptions } from "../api/launcher-options.ts";
import { type Filled, fill } from "../options/fill.ts";
import { launcherTable } from "../options/launcher.ts";
import { makeNodeId } from "../registry/node-name.ts";
import { GreenroomError } from "../shared/errors.ts";
import { deriveThreadLimits } from "./monitor/memory/memory-limits.ts";
import { deriveCapacity, type Limits } from "./starts/capacity.ts";

/** The options that are derived from the machine where they are not given. */
type Derived = "maxConcurrentSessions" | "warmSessions" | "heapSoftLimitMb" | "heapLimitMb" | "nodeId";

export type FilledLauncherOptions = Omit<Filled<typeof launcherTable>, Derived> & {
  readonly [Name in Derived]: NonNullable<AgentLauncherOptions[Name]>;
};

/**
 * Makes validated and filled options of raw ones, once. `limits` is what the process may use, and `baseBytes` the
 * memory that it uses before its first thread. Throws INVALID_OPTIONS that names the wrong one.
 */
export function fillLauncherOptions(
  raw: AgentLauncherOptions,
  limits: Limits,
  baseBytes: number,
): FilledLauncherOptions {
  const options = fill(launcherTable, raw);
  const maxConcurrentSessions = options.maxConcurrentSessions ?? deriveCapacity(limits).sessions;
  const warmSessions = Math.min(
    options.warmSessions ?? Math.max(2, availableParallelism()),
    maxConcurrentSessions,
  );
  const { softMb: heapSoftLimitMb, hardMb: heapLimitMb } = deriveThreadLimits(
    { memoryBytes: limits.memoryBytes, capacity: maxConcurrentSessions, baseBytes },
    { softMb: options.heapSoftLimitMb, hardMb: options.heapLimitMb },
  );
  if (heapSoftLimitMb >= heapLimitMb) {
    throw new GreenroomError("INVALID_OPTIONS", "heapSoftLimitMb must be less than heapLimitMb");
  }
  if (options.stateDir !== undefined && options.registry !== undefined) {
    throw new GreenroomError(
      "INVALID_OPTIONS",
      "stateDir (--state-dir) is for a server without a registry (REDIS_URL): ends are kept in one place, and a registry keeps them",
    );
  }
  const nodeId = options.nodeId ?? makeNodeId();
  return { ...options, nodeId, maxConcurrentSessions, warmSessions, heapSoftLimitMb, heapLimitMb };
}
