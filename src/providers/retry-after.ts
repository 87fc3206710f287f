/** Milliseconds out of a Retry-After: seconds, or a date; null where there is none. */
export function retryAfter(header: string | null | undefined): number | null {
  if (header === null || header === undefined) return null;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}
