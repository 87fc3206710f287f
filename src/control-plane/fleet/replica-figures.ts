import { liveStates } from "../../shared/protocol.ts";
import { version } from "../../shared/version.ts";
import type { Supervisor } from "../../supervisor/supervisor.ts";
import type { ReplicaFigures } from "./fleet-schemas.ts";

/** Returns the part of this replica: how it is now, and its points after this time, in epoch milliseconds. */
export function ownFigures(supervisor: Supervisor, after: number): ReplicaFigures {
  const { options, metrics, node, state } = supervisor;
  const { source } = metrics;
  const { usedBytes = 0, limitBytes = 0 } = source?.memory() ?? {};
  const sessions = source?.sessionsByState() ?? {};
  return {
    now: {
      node_id: node.nodeId,
      version,
      state,
      refusal: supervisor.unreadiness()?.code ?? null,
      capacity: options.maxConcurrentSessions,
      warm_target: options.warmSessions,
      slots: slotsOf(supervisor),
      sessions: Object.fromEntries(
        liveStates.map((state) => [state, sessions[state] ?? 0]),
      ) as ReplicaFigures["now"]["sessions"],
      load_causes: [...(source?.loadCauses() ?? [])],
      memory_used_bytes: usedBytes,
      memory_limit_bytes: limitBytes,
    },
    points: metrics.recent.points(after).map((point) => ({ ...point })),
  };
}

function slotsOf(supervisor: Supervisor): ReplicaFigures["now"]["slots"] {
  const { starting, warm, running, draining } = supervisor.slots();
  return { starting, warm, running, draining };
}
