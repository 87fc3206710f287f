/** What went wrong, as far as one would act on it. */
export type ElevenlabsErrorKind =
  /** The key is missing, wrong, or may not do this. */
  | "unauthorized"
  /** The account has no credits left. */
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
  /** What ElevenLabs' support asks for. */
  readonly requestId: string | undefined;
  /** How long ElevenLabs asks to wait, in milliseconds. */
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

  /** Can the same request succeed a moment later? */
  get retryable(): boolean {
    return this.kind === "busy" || this.kind === "server" || this.kind === "network";
  }
}

/** What broke a connection, as an error with the system's `code`. */
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

const longestMessage = 300;

/**
 * Reads a refusal. Its `detail` is an object with the reason in `code`, in older answers in `status`
 * (elevenlabs.io/docs/eleven-api/resources/errors); a list of fields for a body that does not fit; or plain text.
 */
export function refusal({ status, headers, text }: RefusedAnswer): ElevenlabsError {
  const detail = detailOf(text);
  const { code, message } = typeof detail === "object" && !Array.isArray(detail) ? reason(detail) : {};
  const said = (message ?? fieldErrors(detail) ?? text).replaceAll(/\s+/g, " ").trim();
  const requestId = headers["request-id"] ?? headers["x-request-id"];
  const retryAfterMs = waitOf(headers["retry-after"]);
  return new ElevenlabsError(
    `ElevenLabs answered ${status}${code === undefined ? "" : ` ${code}`}${said === "" ? "" : `: ${said.slice(0, longestMessage)}`}`,
    {
      kind: kindOf(status, code),
      status,
      ...(code === undefined ? {} : { code }),
      ...(typeof requestId === "string" ? { requestId } : {}),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
  );
}

function detailOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { detail?: unknown } | null)?.detail ?? null;
  } catch {
    return null;
  }
}

/** The codes that replace older ones, by which everything here goes. */
const olderCodes: Readonly<Record<string, string>> = {
  concurrent_limit_exceeded: "too_many_concurrent_requests",
};

function reason(detail: object | null): { code?: string; message?: string } {
  const { code, status, message } = (detail ?? {}) as Record<string, unknown>;
  const word = code ?? status;
  return {
    ...(typeof word === "string" ? { code: olderCodes[word] ?? word } : {}),
    ...(typeof message === "string" ? { message } : {}),
  };
}

/** Names the fields, never their contents: they are a caller's words. */
function fieldErrors(detail: unknown): string | undefined {
  if (typeof detail === "string") return detail;
  if (!Array.isArray(detail)) return undefined;
  return detail
    .map((entry: { loc?: unknown; msg?: unknown }) => {
      const place = Array.isArray(entry?.loc) ? entry.loc.join(".") : "?";
      return `${place}: ${typeof entry?.msg === "string" ? entry.msg : "invalid"}`;
    })
    .join("; ");
}

function kindOf(status: number, code: string | undefined): ElevenlabsErrorKind {
  if (code === "quota_exceeded") return "quota";
  if (code === "too_many_concurrent_requests") return "concurrency";
  if (status === 401 || status === 403) return "unauthorized";
  if (status === 408 || status === 429) return "busy";
  return status >= 500 || status < 400 ? "server" : "invalid";
}

/** Retry-After in milliseconds: whole seconds, or a date. */
function waitOf(header: string | string[] | undefined): number | undefined {
  if (typeof header !== "string") return undefined;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
