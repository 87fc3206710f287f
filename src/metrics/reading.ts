/**
 * Returns a measured number where it can be counted; null where it cannot. Agents and providers are not Greenroom's
 * code, and one NaN or negative duration would spoil a sum for good (or throw inside the supervisor).
 */
export function reading(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : null;
}
