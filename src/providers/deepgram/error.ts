import { retryAfter } from "../retry-after.ts";

export interface DeepgramFailure {
  /** HTTP status of a refusal. */
  readonly status?: number;
  /** Of the system, such as `ECONNREFUSED`, or Deepgram's own, such as `INVALID_AUTH`. */
  readonly code?: string;
  /** Deepgram's name for the request, for its support. */
  readonly requestId?: string;
  /** Whether trying again can help. */
  readonly retryable: boolean;
  /** How long Deepgram asks to wait before that. */
  readonly retryAfterMs?: number | null;
}

/** What went wrong between Greenroom and Deepgram. Its text never holds the key. */
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

/** Statuses that pass: too slow, too many, and all that is the server's own fault. */
const passing = (status: number): boolean => status === 408 || status === 429 || status >= 500;

export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Deepgram answered a request with an error. The reason stands in its body and, short, in its headers. */
export function refused({ status, headers, body }: Refusal, apiKey: string): DeepgramError {
  const { err_code, err_msg, reason } = parsed(body);
  const said = text(err_msg) ?? text(reason) ?? text(headers["dg-error"]) ?? "no reason given";
  const code = text(err_code);
  const requestId = text(headers["dg-request-id"]) ?? text(parsed(body).request_id);
  const message = [`Deepgram refused with ${status}:`, code, tidy(said, apiKey)].filter(Boolean).join(" ");
  return new DeepgramError(message + (requestId === undefined ? "" : ` (request ${requestId})`), {
    status,
    ...(code === undefined ? {} : { code }),
    ...(requestId === undefined ? {} : { requestId }),
    retryable: passing(status),
    retryAfterMs: retryAfter(text(headers["retry-after"])),
  });
}

/** The network, or what it carried, failed. */
export function unreachable(error: unknown): DeepgramError {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const known = typeof code === "string" && code !== "" ? code : "ECONNRESET";
  return new DeepgramError(`The connection to Deepgram failed: ${text(message) || known}`, {
    code: known,
    retryable: true,
  });
}

export const timedOut = (what: string, limitMs: number): DeepgramError =>
  new DeepgramError(`${what} took longer than ${limitMs} ms`, { code: "ETIMEDOUT", retryable: true });

/** Deepgram ended the connection without having been asked to. A clean close is no reason to stop listening. */
export function closedByDeepgram(code: number, reason: string, apiKey: string): DeepgramError {
  const why = reason === "" ? "" : `: ${tidy(reason, apiKey)}`;
  return new DeepgramError(`Deepgram closed the connection with ${code}${why}`, {
    code: /idle|timeout/i.test(reason) ? "ETIMEDOUT" : "ECONNRESET",
    retryable: true,
  });
}

/** What would be refused the same way again: the messages or the sound are not as they should be. */
const ownFault = /^(UNPARSABLE|INVALID|UNSUPPORTED|BAD_REQUEST|DATA-)/;

/** An Error frame: the last message of a connection. */
export function errorFrame(
  { code, description }: { code?: unknown; description?: unknown },
  apiKey: string,
): DeepgramError {
  const known = text(code) ?? "UNKNOWN";
  const said = tidy(text(description) ?? "no description", apiKey);
  return new DeepgramError(`Deepgram gave up: ${known}, ${said}`, {
    code: known,
    retryable: !ownFault.test(known),
  });
}

function parsed(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Foreign text for a log line: short, on one line, and without the key should the server ever repeat it. */
function tidy(said: string, apiKey: string): string {
  const line = said.replaceAll(apiKey, "[key]").replaceAll(/\s+/g, " ").trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
