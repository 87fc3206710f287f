import { createHash } from "node:crypto";
import { GreenroomError } from "../../shared/errors.ts";
import type { JsonValue } from "../../shared/protocol.ts";
import { cutText } from "../../shared/text/text.ts";
import { callerIdentity } from "../../supervisor/starts/caller-identity.ts";
import { boundedJson, canonicalJson, JsonBoundsError } from "../http/json.ts";

/** The largest value of `getCurrentUser`, in bytes of JSON: it is kept with each session and shown with it. */
export const maxUserBytes = 4_096;

/**
 * Returns the value of `getCurrentUser` as JSON; undefined is null. Throws a TypeError where it is not JSON, which is a
 * mistake of the code, and FORBIDDEN where it is too large: a caller's token may hold more than can be kept.
 */
export function userJson(value: unknown): JsonValue {
  try {
    return boundedJson(value, maxUserBytes);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (error instanceof JsonBoundsError) {
      throw new GreenroomError("FORBIDDEN", `Your credentials hold a user that cannot be stored: ${why}`, {
        cause: error,
      });
    }
    throw new TypeError(`getCurrentUser must return JSON of at most ${maxUserBytes} bytes: ${why}`, {
      cause: error,
    });
  }
}

/** Returns the key by which users are told apart, for limits and idempotency keys; see {@link callerIdentity}. */
export function userKey(user: JsonValue): string {
  const key = canonicalJson(callerIdentity(user));
  return key.length <= 128 ? key : createHash("sha256").update(key).digest("base64");
}

/** Returns a user as a short text for `close_requested_by`. */
export function userText(user: JsonValue): string {
  const id = callerIdentity(user);
  const text = typeof id === "string" ? id : JSON.stringify(id);
  return text.length <= 128 ? text : cutText(text, 127, "…");
}
