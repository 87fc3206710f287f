import { retryAfter } from "../../shared/retry-after.ts";
import { errorText, jsonObject, reasonIn, textOrNone } from "../error-text.ts";

/** The kinds of errors, as far as one would act on them. */
export type ElevenlabsErrorKind =
  /** The key is missing, wrong, or may not do this, or the account's plan does not include it. */
  | "unauthorized"
  /** The account has no credits left, or was not paid for. */
  | "quota"
  /** The plan's concurrent requests are all in use: wait for one of them to end. Never retried here. */
  | "concurrency"
  /** Too many requests, or a busy service: the same request can succeed a moment later. */
  | "busy"
  /** The request can never succeed as it is: an unknown voice or model, text too long, a setting out of range. */
  | "invalid"
  /** A fault of the service, or an answer that is none. */
  | "server"
  /** The connection could not be made, or broke. */
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

/** A request that ElevenLabs refused, or that did not come through. */
export class ElevenlabsError extends Error {
  override readonly name = "ElevenlabsError";
  readonly kind: ElevenlabsErrorKind;
  /** The HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** ElevenLabs' own word for it, such as `quota_exceeded`, or the system's, such as `ECONNREFUSED`. */
  readonly code: string | undefined;
  /** The id of the request, which ElevenLabs' support asks for. */
  readonly requestId: string | undefined;
  /** The time that ElevenLabs asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** A kept connection had gone before the request was sent on it: nothing was lost, a fresh one will do. */
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

/** Returns what broke a connection, as an error with the system's `code`. */
export function connectionError(error: unknown, reused = false): ElevenlabsError {
  const { code = "ECONNRESET", message } = error as NodeJS.ErrnoException;
  return new ElevenlabsError(`The connection to ElevenLabs failed: ${message || code}`, {
    kind: "network",
    code,
    stale: reused && (code === "ECONNRESET" || code === "EPIPE"),
    cause: error,
  });
}

/** The answer to a request that was refused. */
export interface RefusedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/**
 * Reads a refusal. Its `detail` is an object with the reason in `code`, in older answers in `status`
 * (elevenlabs.io/docs/eleven-api/resources/errors); a list of fields for a body that does not fit; or plain text.
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

/** An answer that began well says in its last line what went wrong. */
export function brokenOff(detail: unknown): ElevenlabsError {
  const { code, message, requestId } = reason(detail);
  const said = [code, message ?? fieldErrors(detail)].filter(Boolean).join(": ");
  return new ElevenlabsError(`ElevenLabs broke off: ${errorText(said || "no reason given")}`, {
    kind: kindOf(500, code),
    code: code ?? "bad_answer",
    ...(requestId === undefined ? {} : { requestId }),
  });
}

/** The codes that replace older ones, by which everything here goes. */
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

/** Names the fields, never their contents: they are a caller's words. */
function fieldErrors(detail: unknown): string | undefined {
  if (typeof detail === "string") return detail;
  if (!Array.isArray(detail)) return undefined;
  return detail
    .map((entry: { loc?: unknown; msg?: unknown } | null) => {
      const place = Array.isArray(entry?.loc) ? entry.loc.join(".") : "?";
      return `${place}: ${typeof entry?.msg === "string" ? entry.msg : "invalid"}`;
    })
    .join("; ");
}

/** The account's money and plan, whatever status they are told with: 401 in older answers, 402 in newer ones, also 429. */
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
