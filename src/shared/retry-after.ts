/**
 * Returns the milliseconds of a Retry-After header, which has seconds or a date; null where there is none, or
 * none that can be read.
 */
export function retryAfter(header: unknown): number | null {
  if (typeof header !== "string" || header.trim() === "") return null;
  const ms = /^\s*\d+(\.\d+)?\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, Math.ceil(ms)) : null;
}
