import type { JsonValue } from "../../shared/protocol.ts";

/** The options of an {@link HttpError}. */
export interface HttpErrorOptions {
  /**
   * The `code` of the answer.
   * @default the usual one of the status, such as `FORBIDDEN` for 403
   */
  readonly code?: string;
  /** Further headers of the answer, such as `WWW-Authenticate`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The cause, for the log alone. */
  readonly cause?: unknown;
}

const marker = Symbol.for("greenroom.http-error");

const usualCodes: Readonly<Record<number, string>> = {
  400: "BAD_REQUEST",
  401: "UNAUTHORIZED",
  402: "PAYMENT_REQUIRED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  409: "CONFLICT",
  422: "INVALID_REQUEST",
  429: "RATE_LIMITED",
  500: "INTERNAL",
  502: "BAD_GATEWAY",
  503: "UNAVAILABLE",
};

/**
 * An error that becomes the answer where it is thrown in a permission callback or in any other dependency: `throw new
 * HttpError(403, "Your plan has no agents")` → 403 `{"detail": "Your plan has no agents", "code": "FORBIDDEN"}`.
 */
export class HttpError extends Error {
  override readonly name = "HttpError";
  /** The HTTP status, 400 to 599. */
  readonly status: number;
  /** The text or value that the client reads. */
  readonly detail: JsonValue;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  static {
    Object.defineProperty(HttpError.prototype, marker, { value: true });
  }

  constructor(status: number, detail: JsonValue, options: HttpErrorOptions = {}) {
    super(typeof detail === "string" ? detail : JSON.stringify(detail), { cause: options.cause });
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new RangeError(`HttpError: ${status} is not the status of an error (400 to 599)`);
    }
    this.status = status;
    this.detail = detail;
    this.code = options.code ?? usualCodes[status] ?? "ERROR";
    this.headers = { ...options.headers };
  }

  /**
   * Returns whether a value is an HttpError. It is recognised by a marker, not by `instanceof`, so that this works
   * across copies of the package.
   */
  static is(error: unknown): error is HttpError {
    return typeof error === "object" && error !== null && marker in error;
  }
}
