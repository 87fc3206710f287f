import { withOption } from "../../shared/deadline.ts";
import type { FromThread } from "../../shared/protocol.ts";

/**
 * Resolves when a request to the provider may begin; dispose of the result when it is over. Rejects with a
 * {@link PermitTimeoutError}, or with the signal's reason.
 */
export type AskPermit = (provider: string, signal: AbortSignal) => Promise<Disposable>;

/** A request did not get its turn in time, since too many to that provider ran in all sessions together. */
export class PermitTimeoutError extends Error {
  override readonly name = "PermitTimeoutError";
  readonly code = "PERMIT_TIMEOUT";

  constructor(provider: string, timeoutMs: number) {
    super(
      withOption(
        `As many requests to ${provider} as may run at a time did so for ${timeoutMs} ms`,
        "providerConcurrency, --provider-concurrency",
      ),
    );
  }
}

/** Places among the requests of the whole process to a provider, asked of the main thread. */
export class PermitDesk {
  readonly #post: (message: FromThread) => void;
  readonly #limited: ReadonlySet<string>;
  readonly #waiting = new Map<number, () => void>();
  #count = 0;

  /** @param limited The providers whose requests are counted; for all others there is nothing to ask. */
  constructor(post: (message: FromThread) => void, limited: readonly string[]) {
    this.#post = post;
    this.#limited = new Set(limited);
  }

  /**
   * Resolves when a request to the provider may begin; dispose of the result when it is over. Rejects with a
   * {@link PermitTimeoutError} after `timeoutMs`, or with the signal's reason where that fires first: the main thread is
   * then not asked any more.
   */
  async acquire(provider: string, signal: AbortSignal, timeoutMs: number): Promise<Disposable> {
    signal.throwIfAborted();
    if (!this.#limited.has(provider)) return { [Symbol.dispose]: () => {} };
    this.#count += 1;
    const permit = this.#count;
    let held = true;
    const giveBack = () => {
      if (held) this.#post({ type: "permit_returned", permit });
      held = false;
    };
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const aborted = () => reject(signal.reason);
    const timer = setTimeout(() => reject(new PermitTimeoutError(provider, timeoutMs)), timeoutMs);
    signal.addEventListener("abort", aborted, { once: true });
    this.#waiting.set(permit, resolve);
    this.#post({ type: "permit_wanted", permit, provider });
    try {
      await promise;
      return { [Symbol.dispose]: giveBack };
    } catch (error) {
      giveBack();
      throw error;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(permit);
      signal.removeEventListener("abort", aborted);
    }
  }

  /** Takes in that the main thread has granted a permit. */
  granted(permit: number): void {
    this.#waiting.get(permit)?.();
  }
}
