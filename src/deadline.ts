/** What a wait ends with when it took too long. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/** Settles as `promise` does, or rejects with a {@link DeadlineError} after `ms`. `what` names the wait, for the message. */
export async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(`${what} took longer than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, overdue]);
  } finally {
    clearTimeout(timer);
  }
}
