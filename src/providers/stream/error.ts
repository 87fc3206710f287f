import { withOption } from "../../shared/deadline.ts";
import { errorText } from "../error-text.ts";
import { ErrorCode, nameIn, WebsocketReconnectStrategy } from "./wire/enums.ts";
import type { SfuFault } from "./wire/messages.ts";

export interface StreamFailure {
  /** HTTP status of a refusal. */
  readonly status?: number | undefined;
  /** The code of the system, such as `ECONNREFUSED`, or the SFU's own, such as `SFU_FULL`. */
  readonly code?: string | undefined;
  /** Stream's number for it: the coordinator's (40 is an expired token) or the SFU's (700 is a full one). */
  readonly number?: number | undefined;
  /** True where trying again can help. */
  readonly retryable: boolean;
  /** The time that Stream asks to wait before that, in milliseconds. */
  readonly retryAfterMs?: number | null;
  /** The reaction that the SFU wants: a number of `WebsocketReconnectStrategy`. */
  readonly strategy?: number | undefined;
  readonly cause?: unknown;
}

/** An error between Greenroom and Stream. Its text never holds the secret, nor a token. */
export class StreamError extends Error {
  override readonly name = "StreamError";
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly number: number | undefined;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  readonly strategy: number | undefined;

  constructor(message: string, failure: StreamFailure) {
    super(message, failure.cause === undefined ? undefined : { cause: failure.cause });
    this.status = failure.status;
    this.code = failure.code;
    this.number = failure.number;
    this.retryable = failure.retryable;
    this.retryAfterMs = failure.retryAfterMs ?? null;
    this.strategy = failure.strategy;
  }
}

/** Statuses that pass: too slow, too many, and all that is the server's own fault. */
export const passing = (status: number): boolean => status === 408 || status === 429 || status >= 500;

/**
 * The network, or what it carried, failed. `doing` says what was going on, such as `To join a call`.
 * @param option The option that limits the wait; none where the limit is fixed.
 */
export function unreachable(doing: string, error: unknown, option?: string): StreamError {
  const { name, code, message, cause } = error as Record<"name" | "code" | "message" | "cause", unknown>;
  const inner = (cause as { code?: unknown } | undefined)?.code;
  const known = [code, inner].find((one): one is string => typeof one === "string" && one !== "");
  if (name === "TimeoutError" || name === "DeadlineError") return timedOut(doing, error, option);
  return new StreamError(`${doing}: the connection to Stream failed: ${known ?? String(message)}`, {
    code: known ?? "ECONNRESET",
    retryable: true,
    cause: error,
  });
}

export function timedOut(doing: string, cause?: unknown, option?: string): StreamError {
  const message = withOption(`${doing} took too long`, option);
  return new StreamError(message, { code: "ETIMEDOUT", retryable: true, cause });
}

/** An error of the SFU: within an answer of its HTTP side, or as an event. */
export function sfuError(
  doing: string,
  { code, message, shouldRetry }: SfuFault,
  strategy?: number,
): StreamError {
  const name = nameIn(ErrorCode, code);
  return new StreamError(`${doing}: the SFU says ${name}: ${errorText(message)}`, {
    code: name,
    number: code,
    retryable: shouldRetry || (strategy !== undefined && strategy !== WebsocketReconnectStrategy.DISCONNECT),
    strategy,
  });
}
