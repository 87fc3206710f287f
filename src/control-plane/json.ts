import type { JsonObject, JsonValue } from "../protocol.ts";
import { InvalidRequest } from "./invalid-request.ts";

/**
 * Deepest nesting of JSON that is accepted: what is deeper overflows the stack of whoever walks it, such as the structured
 * clone that carries `config` into the session's thread.
 */
export const maxJsonDepth = 64;

/** Strict: UTF-8 without a flaw, bounded depth, no `__proto__` that would become a prototype in a careless copy. */
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
  if (flaw) throw new InvalidRequest([{ loc: ["body"], msg: flaw, type: "json_invalid" }]);
  return value;
}

function findFlaw(root: JsonValue): string | null {
  let level: JsonValue[] = [root];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > maxJsonDepth) return `The body is nested deeper than ${maxJsonDepth} levels`;
    const next: JsonValue[] = [];
    for (const value of level) {
      if (typeof value !== "object" || value === null) continue;
      if (Object.hasOwn(value, "__proto__")) return "The body has a key __proto__";
      for (const child of Object.values(value)) next.push(child);
    }
    level = next;
  }
  return null;
}

/**
 * A value as the JSON that it becomes: dates are text, what JSON does not know is left out. Throws where there is no such
 * JSON, or it is larger than `maxBytes`.
 */
export function boundedJson(value: unknown, maxBytes: number): JsonValue {
  const text = JSON.stringify(value ?? null) as string | undefined;
  if (text === undefined) throw new TypeError(`a ${typeof value} has no JSON`);
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) throw new RangeError(`it is ${bytes} bytes of JSON, more than ${maxBytes}`);
  return JSON.parse(text) as JsonValue;
}

/** The same text for equal values, whatever the order of their keys. */
export function canonicalJson(value: JsonValue): string {
  return JSON.stringify(value, (_key, inner: JsonValue) => (isObject(inner) ? sorted(inner) : inner));
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sorted(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
