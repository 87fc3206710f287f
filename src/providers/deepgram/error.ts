import { withOption } from "../../shared/deadline.ts";
import { retryAfter } from "../../shared/retry-after.ts";
import { errorText, isPassingStatus, jsonObject, reasonIn, textOrNone } from "../http/error-text.ts";
import { lastingCloses } from "../web-socket/socket-end.ts";

/** The facts of a {@link DeepgramError}. */
export interface DeepgramFailure {
  /** The HTTP status of a refusal. */
  readonly status?: number;
  /** The system's error code, such as `ECONNREFUSED`, or Deepgram's, such as `INVALID_AUTH`. */
  readonly code?: string;
  /** Deepgram's id of the request, which its support asks for. */
  readonly requestId?: string;
  /** Says whether another attempt can succeed. */
  readonly retryable: boolean;
  /** The wait that Deepgram asks for before another attempt, in milliseconds; null or undefined: none. */
  readonly retryAfterMs?: number | null;
}

/** An error of a request or connection to Deepgram. Its message never contains the key. */
export class DeepgramError extends Error {
  override readonly name = "DeepgramError";
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly requestId: string | undefined;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;

  constructor(message: string, failure: DeepgramFailure) {
    super(message);
    this.status = failure.status;
    this.code = failure.code;
    this.requestId = failure.requestId;
    this.retryable = failure.retryable;
    this.retryAfterMs = failure.retryAfterMs ?? null;
  }
}

/**
 * The codes of failures that would repeat, whatever their status: of the key or the account, and of messages
 * or sound that Deepgram does not accept.
 */
const lastingCode =
  /AUTH|PERMISSION|FORBIDDEN|PAYMENT|CREDIT|QUOTA|BALANCE|BILLING|UNPARSABLE|INVALID|UNSUPPORTED|BAD_REQUEST|NOT_FOUND|^DATA-/i;

/** Deepgram's short codes as they occur in texts, such as `DATA-0000`, or `net0001` in an address. */
const shortCode = /\b(DATA|NET)-?(\d{4})\b/i;

/** The response by which Deepgram refused a request. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/**
 * Makes an error of a refusal. Its body is `{category, message, details, request_id}`, in older responses
 * `{err_code, err_msg, request_id}`; the reason is in the headers too.
 */
export function refused({ status, headers, body }: Refusal, apiKey: string): DeepgramError {
  const { category, message, details, err_code, err_msg, reason, request_id } = jsonObject(body);
  const code = textOrNone(category) ?? textOrNone(err_code);
  const requestId = [headers["dg-request-id"], request_id, headers["x-request-id"]]
    .map(textOrNone)
    .find(Boolean);
  const main =
    textOrNone(err_msg) ?? textOrNone(message) ?? textOrNone(reason) ?? textOrNone(headers["dg-error"]);
  const whole = [main, textOrNone(details)].filter(Boolean).join(" ");
  const text = errorText(whole || reasonIn(body), { secrets: [apiKey] }) || "no reason given";
  const line = [`Deepgram refused with ${status}:`, code, text].filter(Boolean).join(" ");
  return new DeepgramError(line + (requestId === undefined ? "" : ` (request ${requestId})`), {
    status,
    ...(code === undefined ? {} : { code }),
    ...(requestId === undefined ? {} : { requestId }),
    retryable: isPassingStatus(status) && !lastingCode.test(code ?? ""),
    retryAfterMs: retryAfter(headers["retry-after"]),
  });
}

/** Makes an error of a failed connection. */
export function unreachable(error: unknown): DeepgramError {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const known = typeof code === "string" && code !== "" ? code : "ECONNRESET";
  return new DeepgramError(`The connection to Deepgram failed: ${textOrNone(message) ?? known}`, {
    code: known,
    retryable: true,
  });
}

/** Makes an error of a connection that took longer than the option `connectTimeoutMs` allows. */
export const timedOut = (what: string, limitMs: number): DeepgramError =>
  new DeepgramError(withOption(`${what} took longer than ${limitMs} ms`, "connectTimeoutMs"), {
    code: "ETIMEDOUT",
    retryable: true,
  });

/**
 * Makes an error of a connection that Deepgram closed without being asked. A clean close can be retried; one
 * whose reason is what was sent cannot.
 */
export function closedByDeepgram(code: number, reason: string, apiKey: string): DeepgramError {
  const suffix = reason === "" ? "" : `: ${errorText(reason, { secrets: [apiKey] })}`;
  const message = `Deepgram closed the connection with ${code}${suffix}`;
  if (/idle|timeout/i.test(reason)) return new DeepgramError(message, { code: "ETIMEDOUT", retryable: true });
  const named = shortCode.exec(reason);
  const own = named
    ? `${named[1]!.toUpperCase()}-${named[2]}`
    : (/^[A-Z]+(_[A-Z]+)+\b/.exec(reason)?.[0] ?? null);
  return new DeepgramError(message, {
    code: own ?? "ECONNRESET",
    retryable: own === null ? !lastingCloses.has(code) : !lastingCode.test(own),
  });
}

/**
 * Makes an error of an Error message, which is the last one of a connection. Flux writes `{code,
 * description}`; Nova `{variant, description, message}`, where the code is in `variant`, and often in
 * `message` too.
 */
export function errorFrame(frame: Readonly<Record<string, unknown>>, apiKey: string): DeepgramError {
  const { code, variant, description, message } = frame;
  const known = textOrNone(code) ?? textOrNone(variant) ?? "UNKNOWN";
  const requestId = textOrNone(frame.request_id);
  const text = errorText(textOrNone(description) ?? textOrNone(message) ?? "no description", {
    secrets: [apiKey],
  });
  return new DeepgramError(`Deepgram gave up: ${known}, ${text}`, {
    code: known,
    ...(requestId === undefined ? {} : { requestId }),
    retryable: !lastingCode.test(known),
  });
}
