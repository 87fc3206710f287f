/** The longest time of a timer of Node, in milliseconds: a longer one overflows, and fires at once. */
export const longestTimerMs = 2 ** 31 - 1;

/** A wait exceeded its deadline. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
  /** The message without the option that sets the limit, for readers who cannot change it. */
  readonly brief: string;

  /**
   * @param option The option that sets the limit, with its flag where it has one; undefined where the limit
   * is fixed.
   */
  constructor(message: string, option?: string) {
    super(withOption(message, option));
    this.brief = message;
  }
}

/** Returns a message about a limit with the option that sets it, so that its reader knows what to change. */
export const withOption = (message: string, option?: string): string =>
  option === undefined ? message : `${message} (${option})`;

/**
 * Settles as `promise` does, or rejects with a {@link DeadlineError} after `ms` milliseconds, or with the
 * reason of `signal` when it fires. The work behind the promise is not stopped: the caller has to end it, or
 * release its result.
 * @param what Names the wait, for the message.
 * @param option Names the option that sets `ms`, for the message.
 */
export async function within<T>(
  promise: Promise<T>,
  ms: number,
  what: string,
  signal?: AbortSignal,
  option?: string,
): Promise<T> {
  const { promise: given, reject: giveUp } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => giveUp(new DeadlineError(`${what} took longer than ${Math.round(ms)} ms`, option)),
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
