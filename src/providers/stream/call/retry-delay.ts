/**
 * The longest wait that is granted to a server that asks for one, in milliseconds: a call cannot wait for
 * hours.
 */
const longestAskedMs = 30_000;

/**
 * Returns the time to wait before the next attempt, in milliseconds. It is random between bounds that grow by
 * two seconds with each failure, up to five seconds, as in Stream's own clients: the calls of one server do
 * not all reconnect at once.
 * @param failures The number of failures in a row.
 * @param askedMs The wait that the server asked for, in milliseconds; it counts up to 30 s.
 */
export function retryDelayMs(failures: number, askedMs: number | null = null): number {
  const least = Math.min(Math.max(250, 2_000 * (failures - 2)), 5_000);
  const most = Math.min(500 + 2_000 * (failures - 1), 5_000);
  return Math.max(least + Math.random() * (most - least), Math.min(askedMs ?? 0, longestAskedMs));
}
