import type { JsonObject } from "../../../shared/protocol.ts";
import type { AgentEvent, ResponseLatency } from "../../../shared/session/agent-event.ts";

/**
 * Returns the message about an event of the agent, under the names of `GET /sessions/{id}/events`; null for
 * an event that participants are not told.
 */
export function messageOf(event: AgentEvent): JsonObject | null {
  const at = new Date(event.at).toISOString();
  switch (event.type) {
    case "transcript":
      return withoutGaps({
        type: event.type,
        at,
        role: event.role,
        turn_id: event.turnId,
        participant_id: event.participantId,
        final: event.final,
        delta: event.delta,
        interim: event.interim,
        text: event.text,
        backchannel: event.backchannel,
      });
    case "turn":
      return {
        type: event.type,
        at,
        turn_id: event.turnId,
        origin: event.origin,
        outcome: event.outcome,
        latency: event.latency && latencyOf(event.latency),
      };
    case "participant_unheard":
    case "participant_heard":
      return { type: event.type, at, participant_id: event.participantId };
    default:
      return null;
  }
}

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Returns the stages of a latency, in whole milliseconds. */
function latencyOf(latency: ResponseLatency): JsonObject {
  return Object.fromEntries(
    Object.entries(latency).map(([name, ms]) => [snakeCase(name), Math.round(Number(ms))]),
  );
}

function withoutGaps(fields: Readonly<Record<string, string | boolean | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string | boolean] => entry[1] !== undefined),
  );
}
