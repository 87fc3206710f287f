import { createHash } from "node:crypto";
import type { OnceKey } from "../../registry/registry.ts";
import type { JsonValue } from "../../shared/protocol.ts";
import { InvalidRequest } from "./invalid-request.ts";
import { canonicalJson } from "./json.ts";

/**
 * Returns the Idempotency-Key of a request, with which a client may repeat a request whose answer it did not get; null
 * where there is none. Keys belong to their caller: two callers may use the same one. Throws 422.
 */
export function idempotencyKey(headers: Headers, caller: string, body: JsonValue): OnceKey | null {
  const key = headers.get("idempotency-key");
  if (key === null) return null;
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) throw notAKey();
  return onceKey(caller, key, body);
}

/** Returns the key of a request that a caller may repeat, and that is to run once. */
export function onceKey(caller: string, key: string, body: JsonValue): OnceKey {
  return {
    name: hashOf(JSON.stringify([caller, key])),
    caller: hashOf(caller),
    bodyHash: hashOf(canonicalJson(body)),
  };
}

/** Returns the hash that leaves the process in place of a text: it is short, and does not reveal the caller. */
const hashOf = (text: string): string => createHash("sha256").update(text).digest("base64url");

function notAKey(): InvalidRequest {
  return new InvalidRequest([
    {
      loc: ["header", "idempotency-key"],
      msg: "Expected 1 to 255 printable ASCII characters",
      type: "string_pattern_mismatch",
    },
  ]);
}
