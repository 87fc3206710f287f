/**
 * Returns a measured number as it may be counted, or null: agents and providers are other people's code, and one NaN or
 * negative duration would spoil a sum for good (or throw inside the supervisor).
 */
export function reading(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : null;
}
