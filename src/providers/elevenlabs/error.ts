import { retryAfter } from "../../shared/retry-after.ts";
import { errorText, jsonObject, reasonIn, textOrNone } from "../http/error-text.ts";

/** The kinds of errors, by how one would react to them. */
export type ElevenlabsErrorKind =
  /** The key is missing, wrong or may not do this, or the account's plan does not include it. */
  | "unauthorized"
  /** The account has no credits left, or was not paid for. */
  | "quota"
  /** All concurrent requests of the plan are in use: wait until one ends. It is never retried here. */
  | "concurrency"
  /** Too many requests, or a busy service: the same request can succeed a moment later. */
  | "busy"
  /**
   * The request can never succeed as it is, as with an unknown voice or model, a text that is too long, or a
   * setting out of range.
   */
  | "invalid"
  /** A failure of the service, or a response that cannot be used. */
  | "server"
  /** The connection could not be opened, or broke. */
  | "network";

export interface ElevenlabsErrorFields {
  readonly kind: ElevenlabsErrorKind;
  readonly status?: number;
  readonly code?: string;
  readonly requestId?: string;
  readonly retryAfterMs?: number;
  readonly stale?: boolean;
  readonly cause?: unknown;
}

/** A request that ElevenLabs refused, or that failed. */
export class ElevenlabsError extends Error {
  override readonly name = "ElevenlabsError";
  readonly kind: ElevenlabsErrorKind;
  /** The HTTP status, where there was a response. */
  readonly status: number | undefined;
  /**
   * ElevenLabs' name of the error, such as `quota_exceeded`, or the system's code, such as `ECONNREFUSED`.
   */
  readonly code: string | undefined;
  /** The id of the request, which ElevenLabs' support asks for. */
  readonly requestId: string | undefined;
  /** The wait that ElevenLabs asks for, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /**
   * Says whether a kept connection had been closed before the request was sent on it. The request can be sent
   * again on another one.
   */
  readonly stale: boolean;

  constructor(message: string, fields: ElevenlabsErrorFields) {
    super(message, { cause: fields.cause });
    this.kind = fields.kind;
    this.status = fields.status;
    this.code = fields.code;
    this.requestId = fields.requestId;
    this.retryAfterMs = fields.retryAfterMs;
    this.stale = fields.stale ?? false;
  }

  /** Returns whether the same request can succeed a moment later. */
  get retryable(): boolean {
    return this.kind === "busy" || this.kind === "server" || this.kind === "network";
  }
}

/**
 * Makes an error of a failed connection, with the system's `code`. `reused` says that the connection was used
 * before.
 */
export function connectionError(error: unknown, stale = false): ElevenlabsError {
  const { code = "ECONNRESET", message } = error as NodeJS.ErrnoException;
  return new ElevenlabsError(`The connection to ElevenLabs failed: ${message || code}`, {
    kind: "network",
    code,
    stale,
    cause: error,
  });
}

/** The response to a request that was refused. */
export interface RefusedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/**
 * Makes an error of a refusal. Its `detail` is an object with the reason in `code`, in older responses in
 * `status` (elevenlabs.io/docs/eleven-api/resources/errors), a list of fields that are wrong, or plain text.
 */
export function refusal({ status, headers, text }: RefusedAnswer): ElevenlabsError {
  const { detail } = jsonObject(text);
  const { code, message, requestId } = reason(detail);
  const said = errorText(message ?? fieldErrors(detail) ?? reasonIn(text));
  const ids = [headers["request-id"], requestId, headers["x-trace-id"], headers["x-request-id"]];
  const id = ids.map(textOrNone).find(Boolean);
  const retryAfterMs = retryAfter(headers["retry-after"]);
  return new ElevenlabsError(
    `ElevenLabs answered ${status}${code === undefined ? "" : ` ${code}`}${said === "" ? "" : `: ${said}`}`,
    {
      kind: kindOf(status, code),
      status,
      ...(code === undefined ? {} : { code }),
      ...(id === undefined ? {} : { requestId: id }),
      ...(retryAfterMs === null ? {} : { retryAfterMs }),
    },
  );
}

/** Makes an error of the last line of a response that began well and then failed. */
export function brokenOff(detail: unknown): ElevenlabsError {
  const { code, message, requestId } = reason(detail);
  const said = [code, message ?? fieldErrors(detail)].filter(Boolean).join(": ");
  return new ElevenlabsError(`ElevenLabs broke off: ${errorText(said || "no reason given")}`, {
    kind: kindOf(500, code),
    code: code ?? "bad_answer",
    ...(requestId === undefined ? {} : { requestId }),
  });
}

/** The newer codes, each with the older one that is used here. */
const olderCodes: Readonly<Record<string, string>> = {
  concurrent_limit_exceeded: "too_many_concurrent_requests",
};

function reason(detail: unknown): { code?: string; message?: string; requestId?: string } {
  if (typeof detail !== "object" || detail === null || Array.isArray(detail)) return {};
  const { code, status, message, request_id } = detail as Record<string, unknown>;
  const word = textOrNone(code) ?? textOrNone(status);
  const said = textOrNone(message);
  const requestId = textOrNone(request_id);
  return {
    ...(word === undefined ? {} : { code: olderCodes[word] ?? word }),
    ...(said === undefined ? {} : { message: said }),
    ...(requestId === undefined ? {} : { requestId }),
  };
}

/** Returns the names of the wrong fields, never their contents, which are a caller's words. */
function fieldErrors(detail: unknown): string | undefined {
  if (typeof detail === "string") return detail;
  if (!Array.isArray(detail)) return undefined;
  return detail
    .map((entry: { loc?: unknown; msg?: unknown } | null) => {
      const field = Array.isArray(entry?.loc) ? entry.loc.join(".") : "?";
      return `${field}: ${typeof entry?.msg === "string" ? entry.msg : "invalid"}`;
    })
    .join("; ");
}

/**
 * The codes about the account's money, whatever their status: 401 in older responses, 402 in newer ones, also
 * 429.
 */
const noCredit = /quota|credit|payment_(required|failed|overdue)/;

function kindOf(status: number, code = ""): ElevenlabsErrorKind {
  if (code === "paid_plan_required") return "unauthorized";
  if (noCredit.test(code)) return "quota";
  if (code === "too_many_concurrent_requests") return "concurrency";
  if (status === 402) return "quota";
  if (status === 401 || status === 403) return "unauthorized";
  if (status === 408 || status === 429) return "busy";
  return status >= 500 || status < 400 ? "server" : "invalid";
}
