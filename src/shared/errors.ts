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
  MESSAGE_QUEUE_FULL: {
    status: 429,
    retryable: true,
    detail: "Too many messages wait for the agent: send this one again when it has answered",
  },

  NOT_STARTED: {
    status: 503,
    retryable: true,
    detail: "The server has not been started",
    refusesStart: true,
  },
  WARMING_UP: { status: 503, retryable: true, detail: "The server is warming up", refusesStart: true },
  AGENT_UNAVAILABLE: {
    status: 503,
    retryable: true,
    detail: "The agent cannot be loaded at the moment: the log of the server has the error",
    refusesStart: true,
  },
  NO_THREAD: {
    status: 503,
    retryable: true,
    detail: "No session thread became free in time: try again later",
    refusesStart: true,
  },
  OVERLOADED: {
    status: 503,
    retryable: true,
    detail: "The server is overloaded: try again later",
    refusesStart: true,
  },
  CRASH_STORM: {
    status: 503,
    retryable: true,
    detail: "Too many sessions crashed in the last minute: starts are refused until it is over",
    refusesStart: true,
  },
  PERMISSION_TIMEOUT: {
    status: 503,
    retryable: true,
    detail: "A permission callback of the server took too long",
  },
  REGISTRY_UNAVAILABLE: {
    status: 503,
    retryable: true,
    detail: "The registry of sessions cannot be reached",
    refusesStart: true,
  },
  PEER_UNREACHABLE: {
    status: 503,
    retryable: true,
    detail: "The replica that has to answer this request cannot be reached: try again later",
  },
  DRAINING: { status: 503, retryable: true, detail: "The server is shutting down", refusesStart: true },
  MISDIRECTED: { status: 421, retryable: false, detail: "This request was meant for another replica" },
  START_ABANDONED: {
    status: 503,
    retryable: false,
    detail: "The client left before the session had started",
    refusesStart: true,
  },
  START_UNCERTAIN: {
    status: 504,
    retryable: false,
    detail:
      "The replica that took over this start stopped answering, and the session may have begun: list the sessions before you start another one",
  },

  START_FAILED: { status: 500, retryable: false, detail: "Failed to start agent", refusesStart: true },
  INTERNAL: { status: 500, retryable: false, detail: "Internal server error" },

  SESSION_NOT_FOUND: { status: 404, retryable: false, detail: "Session with id '%s' not found" },
  NOT_FOUND: { status: 404, retryable: false, detail: "Not found" },
  METHOD_NOT_ALLOWED: { status: 405, retryable: false, detail: "Method not allowed" },
  NOT_IN_CALL: { status: 409, retryable: true, detail: "The session's agent is not in its call" },
  NO_SUCH_ROLE: { status: 422, retryable: false, detail: "%s" },
  AGENT_SILENT: {
    status: 503,
    retryable: true,
    detail: "The agent of this session does not answer: try again later",
  },
  NO_JOIN_TOKENS: {
    status: 409,
    retryable: false,
    detail: "The call of this session cannot be joined with a token",
  },
  EDGE_CANNOT_RECEIVE: {
    status: 409,
    retryable: false,
    detail: "The edge of this session does not accept %s",
  },
  EDGE_REFUSED: { status: 422, retryable: false, detail: "%s" },
  UPGRADE_REQUIRED: {
    status: 426,
    retryable: false,
    detail:
      "This address needs the handshake of a WebSocket (a GET, version 13): a proxy on the way may have removed its headers",
  },
  EDGE_FAILED: { status: 503, retryable: true, detail: "The edge of this session failed: try again later" },
  OWN_USER: { status: 422, retryable: false, detail: "This user id is the agent's own: choose another one" },
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
    detail: "This Idempotency-Key was used with another request body: choose a new key",
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
