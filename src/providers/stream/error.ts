import { withOption } from "../../shared/deadline.ts";
import { errorText } from "../http/error-text.ts";
import { ErrorCode, nameIn, WebsocketReconnectStrategy } from "./wire/enums.ts";
import type { SfuError } from "./wire/messages.ts";

/** The facts of a {@link StreamError}. */
export interface StreamFailure {
  /** The HTTP status of a refusal. */
  readonly status?: number | undefined;
  /** The system's error code, such as `ECONNREFUSED`, or the SFU's, such as `SFU_FULL`. */
  readonly code?: string | undefined;
  /** Stream's error number: the coordinator's (40 is an expired token) or the SFU's (700 is a full one). */
  readonly number?: number | undefined;
  /** Says whether another attempt can succeed. */
  readonly retryable: boolean;
  /** The wait that Stream asks for before another attempt, in milliseconds; null or undefined: none. */
  readonly retryAfterMs?: number | null;
  /** The reaction that the SFU asks for: a number of `WebsocketReconnectStrategy`. */
  readonly strategy?: number | undefined;
  readonly cause?: unknown;
}

/** An error of a request or connection to Stream. Its message never contains the secret or a token. */
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

/**
 * Makes an error of a failed connection. `action` says what was attempted, such as `To join a call`.
 * @param option The option that limits the wait; undefined where the limit is fixed.
 */
export function unreachable(action: string, error: unknown, option?: string): StreamError {
  const { name, code, message, cause } = error as Record<"name" | "code" | "message" | "cause", unknown>;
  const inner = (cause as { code?: unknown } | undefined)?.code;
  const known = [code, inner].find((one): one is string => typeof one === "string" && one !== "");
  if (name === "TimeoutError" || name === "DeadlineError") return timedOut(action, error, option);
  return new StreamError(`${action}: the connection to Stream failed: ${known ?? String(message)}`, {
    code: known ?? "ECONNRESET",
    retryable: true,
    cause: error,
  });
}

/** Makes an error of a wait that took too long. */
export function timedOut(action: string, cause?: unknown, option?: string): StreamError {
  const message = withOption(`${action} took too long`, option);
  return new StreamError(message, { code: "ETIMEDOUT", retryable: true, cause });
}

/** Makes an error that an SFU reported, in a response or as an event. */
export function sfuError(
  action: string,
  { code, message, shouldRetry }: SfuError,
  strategy?: number,
): StreamError {
  const name = nameIn(ErrorCode, code);
  return new StreamError(`${action}: the SFU says ${name}: ${errorText(message)}`, {
    code: name,
    number: code,
    retryable: shouldRetry || (strategy !== undefined && strategy !== WebsocketReconnectStrategy.DISCONNECT),
    strategy,
  });
}
