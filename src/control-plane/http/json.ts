import type { JsonObject, JsonValue } from "../../shared/protocol.ts";
import { InvalidRequest } from "./invalid-request.ts";

/**
 * The deepest nesting of JSON that is accepted. Deeper values overflow the stack of recursive code, such as the
 * structured clone that carries `config` into the session's thread.
 */
export const maxJsonDepth = 64;

/** Parses JSON strictly: valid UTF-8, bounded depth, no `__proto__` that would become a prototype in a careless copy. */
export function parseJson(bytes: Uint8Array): JsonValue {
  let value: JsonValue;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new InvalidRequest([
      { loc: ["body"], msg: "The body is not valid JSON in UTF-8", type: "json_invalid" },
    ]);
  }
  const flaw = findFlaw(value);
  if (flaw) throw new InvalidRequest([{ loc: ["body"], msg: `The body ${flaw}`, type: "json_invalid" }]);
  return value;
}

/** Returns the fault of a value that is JSON, as the rest of a sentence; null where there is none. */
function findFlaw(root: JsonValue): string | null {
  let level: JsonValue[] = [root];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > maxJsonDepth) return `is nested deeper than ${maxJsonDepth} levels`;
    const next: JsonValue[] = [];
    for (const value of level) {
      if (typeof value !== "object" || value === null) continue;
      if (Object.hasOwn(value, "__proto__")) return "has a key __proto__";
      for (const child of Object.values(value)) next.push(child);
    }
    level = next;
  }
  return null;
}

/** The error for a value that is JSON, but larger or deeper than allowed. */
export class JsonBoundsError extends RangeError {
  override readonly name = "JsonBoundsError";
}

/**
 * Returns a value as the JSON that it becomes: dates are text, and values without a JSON form are left out. Throws a
 * {@link JsonBoundsError} where it is larger than `maxBytes`, nested too deep or has a key `__proto__`, and a TypeError
 * where there is no such JSON.
 */
export function boundedJson(value: unknown, maxBytes: number): JsonValue {
  const text = textOf(value ?? null);
  if (text === undefined) throw new TypeError(`a ${typeof value} has no JSON`);
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) throw new JsonBoundsError(`it is ${bytes} bytes of JSON, more than ${maxBytes}`);
  const json = JSON.parse(text) as JsonValue;
  const flaw = findFlaw(json);
  if (flaw) throw new JsonBoundsError(`it ${flaw}`);
  return json;
}

function textOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value) as string | undefined;
  } catch (error) {
    // V8 throws a RangeError for a value that is nested too deep for its stack.
    if (error instanceof RangeError) throw new JsonBoundsError("it is nested too deep");
    throw error;
  }
}

/** Returns the same text for equal values, whatever the order of their keys. */
export function canonicalJson(value: JsonValue): string {
  return JSON.stringify(value, (_key, inner: JsonValue) => (isObject(inner) ? sorted(inner) : inner));
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sorted(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
