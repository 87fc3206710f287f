/** Reads a number of tokens, as a service tells it; null where it is none. */
export function tokenCount(value: unknown): number | null {
  const count = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  const isCount = typeof count === "number" && count >= 0 && count <= Number.MAX_SAFE_INTEGER;
  return isCount ? Math.round(count) : null;
}
