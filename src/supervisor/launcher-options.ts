import { randomBytes } from "node:crypto";
import { availableParallelism, hostname } from "node:os";
import type { AgentLauncherOptions } from "../api/launcher-options.ts";
import { type Filled, fill } from "../options/fill.ts";
import { launcherTable } from "../options/launcher.ts";
import { GreenroomError } from "../shared/errors.ts";
import { deriveThreadLimits } from "./monitor/memory/memory-limits.ts";
import { chooseRecogniser, type RecogniserChoice, sharedBytesOf } from "./recogniser/recogniser-choice.ts";
import { deriveCapacity, type Limits } from "./starts/capacity.ts";

/** The options that are derived from the machine where they are not given. */
type Derived = "maxConcurrentSessions" | "warmSessions" | "heapSoftLimitMb" | "heapLimitMb" | "nodeId";

export type FilledLauncherOptions = Omit<Filled<typeof launcherTable>, Derived | "localStt"> & {
  readonly [Name in Derived]: NonNullable<AgentLauncherOptions[Name]>;
} & {
  /** The decision about the local recogniser that `localStt` led to. */
  readonly recogniser: RecogniserChoice;
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
  const { localStt, ...options } = fill(launcherTable, raw);
  const recogniser = chooseRecogniser(localStt, limits, options.agentEnvironment ?? process.env);
  const sharedBytes = sharedBytesOf(recogniser);
  const maxConcurrentSessions = options.maxConcurrentSessions ?? deriveCapacity(limits, sharedBytes).sessions;
  const warmSessions = Math.min(
    options.warmSessions ?? Math.max(2, availableParallelism()),
    maxConcurrentSessions,
  );
  const { softMb: heapSoftLimitMb, hardMb: heapLimitMb } = deriveThreadLimits(
    { memoryBytes: limits.memoryBytes, capacity: maxConcurrentSessions, baseBytes: baseBytes + sharedBytes },
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
  return {
    ...options,
    recogniser,
    nodeId,
    maxConcurrentSessions,
    warmSessions,
    heapSoftLimitMb,
    heapLimitMb,
  };
}

/** Returns the host's name, which is the pod's in Kubernetes, with a suffix that no other process of the host has. */
function makeNodeId(): string {
  return `${hostname()}-${randomBytes(3).toString("hex")}`;
}
