import type { ScopedSession } from "../../api/scope.ts";
import type { SessionRecord } from "../../registry/registry.ts";

/**
 * Returns a session of a replica that cannot be asked, as far as the registry knows it: without its `config`, and
 * without its state.
 */
export function foreignSession(record: SessionRecord): ScopedSession {
  const { sessionId: id, callId, callType, createdBy, startedAt, end } = record;
  return {
    id: id as ScopedSession["id"],
    callId,
    callType,
    config: {},
    createdBy,
    startedAt,
    state: end ? "ended" : "live",
    endReason: end?.reason ?? null,
    endedAt: end?.endedAt ?? null,
  };
}
