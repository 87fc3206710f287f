import type { Recording } from "../../providers/memory/test-call.ts";
import type { Session } from "../../supervisor/session/session.ts";

/** The shortest pause within the agent's speech that counts as a gap, in milliseconds. */
const shortestHoleMs = 300;

/**
 * Returns the time for which the agent fell silent in the middle of what it said, in milliseconds of the call's time.
 */
export function speechGapsMs(session: Session, recording: Recording): number {
  const begun = new Map<string, number>();
  const speeches: { readonly from: number; readonly until: number }[] = [];
  session.events
    .subscribe(0, ({ event }) => {
      if (event.type === "transcript" && event.role === "agent" && !begun.has(event.turnId)) {
        begun.set(event.turnId, event.at);
      } else if (event.type === "turn") {
        const from = begun.get(event.turnId);
        if (from !== undefined) speeches.push({ from, until: event.at });
      }
    })
    .unsubscribe();
  return recording
    .gaps(shortestHoleMs)
    .filter(({ at, ms }) =>
      speeches.some(({ from, until }) => from <= at && at + ms / recording.speed <= until),
    )
    .reduce((sum, { ms }) => sum + ms, 0);
}
