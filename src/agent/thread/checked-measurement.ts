import type { Measurement } from "../../shared/measurement.ts";
import { cutText } from "../../shared/text.ts";

/** The longest name of a provider or a model, in characters. */
const longestName = 256;

/**
 * A measurement as the main thread takes it. Providers and edges are other people's code: what they report that is no number
 * to count becomes 0, and a name is a text of bounded length.
 */
export function checkedMeasurement(measurement: Measurement): Measurement {
  return tidiedFields(measurement) as unknown as Measurement;
}

function tidiedFields(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([field, value]) => [field, tidiedValue(field, value)]),
  );
}

function tidiedValue(field: string, value: unknown): unknown {
  if (["provider", "model", "reason", "error"].includes(field)) return cutText(String(value), longestName);
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  if (typeof value === "object") return tidiedFields(value);
  return typeof value === "number" && value >= 0 && value < Number.MAX_SAFE_INTEGER ? value : 0;
}
