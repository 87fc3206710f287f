import { setTimeout as delay } from "node:timers/promises";
import { RoomSoon } from "../../registry/registry.ts";
import { within } from "../../shared/deadline.ts";
import { GreenroomError } from "../../shared/errors.ts";
import type { Session } from "../session/session.ts";
import type { Sessions } from "../session/sessions.ts";

/** The time between two checks whether a session of another process has left its place, in milliseconds. */
const lookAgainMs = 200;

/** The call in which a start is to find a place. */
interface Wanted {
  readonly callType: string;
  readonly callId: string;
}

/**
 * Waits for room after a start was refused for want of it. Resolves with true where a session that holds a place was on
 * its way out, and either one has ended or it is time to look again; with false where nobody is leaving, or there was
 * not enough time (`leftMs`).
 */
export async function waitedForRoom(
  refusal: unknown,
  wanted: Wanted,
  sessions: Sessions,
  leftMs: number,
): Promise<boolean> {
  const places = heldPlaces(refusal, wanted);
  if (!places || leftMs <= 0) return false;
  const leaving = [...sessions.live()].filter((session) => session.leaving && places(session));
  const elsewhere = refusal instanceof RoomSoon;
  if (leaving.length === 0 && !elsewhere) return false;
  const ends: Promise<unknown>[] = leaving.map((session) => session.ended);
  if (elsewhere) ends.push(delay(lookAgainMs));
  await within(Promise.race(ends), leftMs, "Room").catch(() => undefined);
  return true;
}

/** Returns a test for the sessions that hold the places that were all taken; null where that was not the refusal. */
function heldPlaces(refusal: unknown, { callType, callId }: Wanted): ((session: Session) => boolean) | null {
  if (!GreenroomError.is(refusal)) return null;
  switch (refusal.code) {
    case "POOL_FULL":
    case "FLEET_FULL":
      return () => true;
    case "CALL_FULL":
      return (session) => session.callId === callId && session.callType === callType;
    default:
      return null;
  }
}
