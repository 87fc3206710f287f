/** What a wait ends with when it took too long. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/**
 * Settles as `promise` does, or rejects with a {@link DeadlineError} after `ms`, or with the reason of `signal` when it fires.
 * `what` names the wait, for the message. The work itself goes on: whoever stops waiting ends it, or frees what it brings.
 */
export async function within<T>(
  promise: Promise<T>,
  ms: number,
  what: string,
  signal?: AbortSignal,
): Promise<T> {
  const { promise: given, reject: giveUp } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => giveUp(new DeadlineError(`${what} took longer than ${Math.round(ms)} ms`)),
    ms,
  );
  const aborted = () => giveUp(signal?.reason);
  signal?.addEventListener("abort", aborted, { once: true });
  if (signal?.aborted) aborted();
  try {
    return await Promise.race([promise, given]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", aborted);
  }
}
