/** The longest time that somebody may ask us to wait, in milliseconds: a call does not wait for hours. */
const longestAskedMs = 30_000;

/**
 * Returns the time to wait before trying again after so many failures in a row, in milliseconds: somewhere between bounds
 * that grow by 2 s a failure up to 5 s, as Stream's own clients wait, so that the calls of a whole server do not come back
 * at once.
 * @param askedMs What was asked for, of which up to 30 s are waited.
 */
export function retryDelayMs(failures: number, askedMs: number | null = null): number {
  const least = Math.min(Math.max(250, 2_000 * (failures - 2)), 5_000);
  const most = Math.min(500 + 2_000 * (failures - 1), 5_000);
  return Math.max(least + Math.random() * (most - least), Math.min(askedMs ?? 0, longestAskedMs));
}
