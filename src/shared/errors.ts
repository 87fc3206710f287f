export { errorOf, messageWithCauses, type PlainError, plainError, withoutStacks } from "./plain-error.ts";

/**
 * A row of the errors that Greenroom raises on purpose: the HTTP status, what a client may read, and whether
 * the same request can succeed later. `%s` in a detail is replaced at the throw.
 */
export interface ErrorRow {
  readonly status: number;
  readonly retryable: boolean;
  readonly detail: string;
  /** True where a start is refused with it: `greenroom_session_start_refusals_total` counts it. */
  readonly refusesStart?: true;
}

export const errors = {
  POOL_FULL: {
    status: 429,
    retryable: true,
    detail: "Reached maximum number of concurrent sessions",
    refusesStart: true,
  },
  CALL_FULL: {
    status: 429,
    retryable: true,
    detail: "Reached maximum number of sessions for this call",
    refusesStart: true,
  },
  FLEET_FULL: {
    status: 429,
    retryable: true,
    detail: "Reached maximum number of concurrent sessions of the fleet",
    refusesStart: true,
  },
  RATE_LIMITED: { status: 429, retryable: true, detail: "Too many requests: %s" },
  MESSAGE_QUEUE_FULL: { status: 429, retryable: true, detail: "Too many messages wait for the agent" },

  NOT_STARTED: { status: 503, retryable: true, detail: "The server is not started", refusesStart: true },
  WARMING_UP: { status: 503, retryable: true, detail: "The server is warming up", refusesStart: true },
  AGENT_UNAVAILABLE: {
    status: 503,
    retryable: true,
    detail: "The agent cannot be loaded at the moment",
    refusesStart: true,
  },
  NO_THREAD: {
    status: 503,
    retryable: true,
    detail: "No session thread became free in time",
    refusesStart: true,
  },
  OVERLOADED: {
    status: 503,
    retryable: true,
    detail: "The server is under too much load",
    refusesStart: true,
  },
  CRASH_STORM: {
    status: 503,
    retryable: true,
    detail: "Too many sessions crashed in the last minute",
    refusesStart: true,
  },
  PERMISSION_TIMEOUT: { status: 503, retryable: true, detail: "A permission check took too long" },
  REGISTRY_UNAVAILABLE: {
    status: 503,
    retryable: true,
    detail: "The registry of sessions cannot be reached",
    refusesStart: true,
  },
  PEER_UNREACHABLE: {
    status: 503,
    retryable: true,
    detail: "The replica that is to answer this cannot be reached",
  },
  DRAINING: { status: 503, retryable: true, detail: "The server is shutting down", refusesStart: true },
  MISDIRECTED: { status: 421, retryable: false, detail: "This was passed on to another replica" },
  START_ABANDONED: {
    status: 503,
    retryable: false,
    detail: "Nobody waits for this start any longer",
    refusesStart: true,
  },
  START_UNCERTAIN: {
    status: 504,
    retryable: false,
    detail:
      "The replica that took this start over fell silent, and may have begun: look before you start another one",
  },

  START_FAILED: { status: 500, retryable: false, detail: "Failed to start agent", refusesStart: true },
  INTERNAL: { status: 500, retryable: false, detail: "Internal server error" },

  SESSION_NOT_FOUND: { status: 404, retryable: false, detail: "Session with id '%s' not found" },
  NOT_FOUND: { status: 404, retryable: false, detail: "Not found" },
  METHOD_NOT_ALLOWED: { status: 405, retryable: false, detail: "Method not allowed" },
  NOT_IN_CALL: { status: 409, retryable: true, detail: "The session's agent is not in its call" },
  NO_JOIN_TOKENS: {
    status: 409,
    retryable: false,
    detail: "The call of this session is not one that others join with a token",
  },
  EDGE_CANNOT_RECEIVE: {
    status: 409,
    retryable: false,
    detail: "The edge of this session takes no %s",
  },
  EDGE_REFUSED: { status: 422, retryable: false, detail: "%s" },
  UPGRADE_REQUIRED: {
    status: 426,
    retryable: false,
    detail:
      "This is for a WebSocket of version 13: it takes a GET with its handshake, which no proxy on the way may have removed",
  },
  EDGE_FAILED: { status: 503, retryable: true, detail: "The session's edge did not answer as it should" },
  OWN_USER: { status: 422, retryable: false, detail: "This is the agent's own user" },
  SESSION_CLOSING: { status: 409, retryable: false, detail: "The session is closing" },

  UNAUTHORIZED: { status: 401, retryable: false, detail: "%s" },
  FORBIDDEN: { status: 403, retryable: false, detail: "%s" },
  BAD_REQUEST: { status: 400, retryable: false, detail: "%s" },
  BODY_TOO_LARGE: { status: 413, retryable: false, detail: "The request body is larger than %s bytes" },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    retryable: false,
    detail: "The request body must be application/json in UTF-8",
  },
  INVALID_REQUEST: { status: 422, retryable: false, detail: "%s" },
  IDEMPOTENCY_PENDING: {
    status: 409,
    retryable: true,
    detail: "The first request with this Idempotency-Key is still under way",
  },
  IDEMPOTENCY_MISMATCH: {
    status: 422,
    retryable: false,
    detail: "The Idempotency-Key was used with another request body",
  },

  NOT_IN_A_SESSION: {
    status: 500,
    retryable: false,
    detail: "%s would act on the whole process, and is not allowed in a session thread",
  },
  INVALID_OPTIONS: { status: 500, retryable: false, detail: "%s" },
} as const satisfies Record<string, ErrorRow>;

/** The code of an error that Greenroom raises on purpose. */
export type ErrorCode = keyof typeof errors;

/** The codes with which starts are refused. */
export const startErrorCodes = Object.entries<ErrorRow>(errors).flatMap(([code, { refusesStart }]) =>
  refusesStart ? [code as ErrorCode] : [],
);

const marker = Symbol.for("greenroom.error");

/** An error of the table above. A client may read its message; `cause` is for the log alone. */
export class GreenroomError extends Error {
  override readonly name = "GreenroomError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryable: boolean;
  /** The whole seconds after which another attempt makes sense, which are sent as Retry-After. */
  readonly retryAfterSeconds: number | undefined;
  static {
    Object.defineProperty(GreenroomError.prototype, marker, { value: true });
  }

  constructor(
    code: ErrorCode,
    fill?: string,
    options: { readonly cause?: unknown; readonly retryAfterSeconds?: number } = {},
  ) {
    const row: ErrorRow = errors[code];
    super(
      row.detail.replace("%s", () => fill ?? ""),
      { cause: options.cause },
    );
    this.code = code;
    this.status = row.status;
    this.retryable = row.retryable;
    this.retryAfterSeconds = row.retryable ? (options.retryAfterSeconds ?? 1) : undefined;
  }

  /**
   * Returns whether an error is one. It is known by a marker, not by `instanceof`: it holds across copies of the
   * package.
   */
  static is(error: unknown): error is GreenroomError {
    return typeof error === "object" && error !== null && marker in error;
  }
}
