/** Something took longer than it may. */
export class DeadlineError extends Error {
  override readonly name = "TimeoutError";
  readonly code = "TIMEOUT";

  constructor(what: string, limitMs: number) {
    super(`${what} took longer than ${limitMs} ms`);
  }
}

/**
 * Waits for `work` no longer than `limitMs`, and no longer than `signal` is quiet. The work itself goes on: whoever
 * stops waiting has to end it, or to free what it brings later.
 */
export function within<T>(
  work: Promise<T>,
  what: string,
  limitMs: number,
  signal?: AbortSignal | undefined,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const aborted = () => reject(signal?.reason);
    const timer = setTimeout(() => reject(new DeadlineError(what, limitMs)), limitMs);
    signal?.addEventListener("abort", aborted, { once: true });
    if (signal?.aborted) aborted();
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
    });
  });
}
