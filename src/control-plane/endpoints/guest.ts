import { createHash, randomUUID } from "node:crypto";
import { GreenroomError } from "../../shared/errors.ts";
import type { Guest } from "../../shared/protocol.ts";
import { userText } from "../access/created-by.ts";
import { isUserId } from "../documents/guest-schemas.ts";
import type { Caller, Judged } from "../exchange.ts";
import { InvalidRequest } from "../http/invalid-request.ts";

/** The guest that a request names, if it names one. */
export interface WantedGuest {
  readonly user_id?: string | undefined;
  readonly user_name?: string | undefined;
}

/** Returns the guest that is asked for; else one for the caller, with the same id each time; else one with a new id. */
export function guestOf({ user_id, user_name }: WantedGuest, { user }: Caller): Guest {
  const madeUp = user_id === undefined && user === null;
  const id = user_id ?? (madeUp ? `guest-${randomUUID()}` : idOf(userText(user)));
  return { id, name: user_name ?? (madeUp ? "Guest" : id), madeUp };
}

/**
 * Returns the same for a client that comes into the call at once. Throws FORBIDDEN for a session token with a named
 * user, since the bearer of a token is unknown.
 */
export function comingGuestOf(wanted: WantedGuest, { caller, byToken }: Judged): Guest {
  if (byToken && wanted.user_id !== undefined)
    throw new GreenroomError("FORBIDDEN", "With a session_token you join as a guest: leave user_id out");
  return guestOf(wanted, caller);
}

/** Returns a text as an id that every edge takes. */
function idOf(text: string): string {
  if (isUserId(text)) return text;
  return `user-${createHash("sha256").update(text).digest("hex").slice(0, 32)}`;
}

/** Returns the error that a client gets: OWN_USER is a mistake in the request, in this part of it. */
export function guestError(error: unknown, part: "body" | "query"): unknown {
  if (!GreenroomError.is(error) || error.code !== "OWN_USER") return error;
  return new InvalidRequest([
    {
      loc: [part, "user_id"],
      msg: "This user id is the agent's own: choose another one",
      type: "value_error",
    },
  ]);
}
