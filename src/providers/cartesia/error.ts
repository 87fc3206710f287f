import { retryAfter } from "../../shared/retry-after.ts";
import { errorText, jsonObject, reasonIn, textOrNone } from "../http/error-text.ts";
import type { JsonRecord } from "../listening/turn-signal.ts";
import { type SocketEnd, socketFailure } from "../web-socket/socket-end.ts";

/** The kinds of errors, by how one would react to them. */
export type CartesiaErrorKind =
  /** The key is missing, wrong or may not do this, or the account's plan does not include it. */
  | "unauthorized"
  /** The account has no credits left, or was not paid for. */
  | "quota"
  /** All concurrent requests of the plan are in use: wait until one ends. */
  | "concurrency"
  /** Too many requests, or a busy service: the same request can succeed a moment later. */
  | "busy"
  /** The request can never succeed as it is, as with an unknown voice or model, or a setting out of range. */
  | "invalid"
  /** A failure of the service, or a response that cannot be used. */
  | "server"
  /** The connection could not be opened, or broke. */
  | "network";

export interface CartesiaErrorFields {
  readonly kind: CartesiaErrorKind;
  readonly status?: number | undefined;
  readonly code?: string | undefined;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | null;
  readonly stale?: boolean;
  readonly cause?: unknown;
}

/** A request that Cartesia refused, or that failed. Its message never contains the key. */
export class CartesiaError extends Error {
  override readonly name = "CartesiaError";
  readonly kind: CartesiaErrorKind;
  /** The HTTP status, or the one that an event has in its place. */
  readonly status: number | undefined;
  /** Cartesia's name of the error, such as `voice_not_found`, or the system's code, such as `ECONNREFUSED`. */
  readonly code: string | undefined;
  /** The id of the request, which Cartesia's support asks for. */
  readonly requestId: string | undefined;
  /** The wait that Cartesia asks for, in milliseconds; null: none. */
  readonly retryAfterMs: number | null;
  /** Says whether a kept connection ended before anything was heard of the request. It can be sent again on another one. */
  readonly stale: boolean;

  constructor(message: string, fields: CartesiaErrorFields) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.kind = fields.kind;
    this.status = fields.status;
    this.code = fields.code;
    this.requestId = fields.requestId;
    this.retryAfterMs = fields.retryAfterMs ?? null;
    this.stale = fields.stale ?? false;
  }

  /** Returns whether the same request can succeed a moment later. */
  get retryable(): boolean {
    if (this.kind === "network")
      return /^(ECONN|ETIMEDOUT|ENOTFOUND|EAI_|EPIPE|EHOST|ENET)/.test(this.code ?? "");
    return this.kind === "busy" || this.kind === "server" || this.kind === "concurrency";
  }
}

/**
 * Makes an error of an event, or of the body of a refusal: `{status_code, error_code, title, message, request_id}`. Older versions have
 * the reason in `error`.
 */
export function eventError(
  event: JsonRecord,
  apiKey: string,
  status = Number(event.status_code),
): CartesiaError {
  const code = textOrNone(event.error_code);
  const said = [event.title, event.message, event.error].map(textOrNone).filter((one) => one !== undefined);
  const text = errorText([...new Set(said)].join(": ") || "no reason given", { secrets: [apiKey] });
  return new CartesiaError(
    `Cartesia answered ${[status || "an error", code].filter(Boolean).join(" ")}: ${text}`,
    {
      kind: kindOf(status || 500, `${code} ${text}`),
      status: status || undefined,
      code,
      requestId: textOrNone(event.request_id),
    },
  );
}

/** Makes an error of a connection that ended without being asked to. */
export function socketError(end: SocketEnd, apiKey: string): CartesiaError {
  if (end.type !== "refused") {
    const { message, ...fields } = socketFailure({ title: "Cartesia", secrets: [apiKey] }, end);
    return new CartesiaError(message, fields);
  }
  const body = jsonObject(end.text);
  const plain = Object.keys(body).length === 0 ? { message: reasonIn(end.text) } : body;
  const { message, kind, code, requestId } = eventError(plain, apiKey, end.status);
  const retryAfterMs = retryAfter(end.headers["retry-after"]);
  return new CartesiaError(message, { kind, status: end.status, code, requestId, retryAfterMs });
}

export const closedError = (part: string): Error =>
  new DOMException(`cartesia.${part} is closed`, "AbortError");

function kindOf(status: number, said: string): CartesiaErrorKind {
  if (/concurrency/i.test(said)) return "concurrency";
  if (status === 402 || /quota|credit|payment/i.test(said)) return "quota";
  if (status === 401 || status === 403 || /plan_upgrade/.test(said)) return "unauthorized";
  if (status === 408 || status === 429) return "busy";
  return status >= 500 ? "server" : "invalid";
}
