/** The reasons for which a call does not come about, or ends by itself. */
export type CallErrorCode =
  /** The page is neither at localhost nor at HTTPS: browsers then have no microphone. */
  | "insecure_page"
  /** There is no microphone. */
  | "no_microphone"
  /** The user, or the browser's settings, denied the microphone. */
  | "microphone_denied"
  /** The microphone is there and cannot be opened: another program may hold it. */
  | "microphone_failed"
  /** The server cannot be reached. */
  | "unreachable"
  /** The server has no room for another session, or the call for another participant. */
  | "full"
  /** The server starts or shuts down, or its agent cannot run at the moment. */
  | "not_ready"
  /** The caller may not do this. */
  | "forbidden"
  /** There is no such session, or it has ended. */
  | "not_found"
  /** Neither WebRTC nor a WebSocket came about, or the connection broke and did not come back. */
  | "connection_failed"
  /** The agent's edge takes nobody from a browser. */
  | "not_offered"
  /** The server refused for another reason, which `message` tells. */
  | "refused";

interface CallErrorDetails {
  readonly status?: number;
  readonly endReason?: string | null;
  readonly passes?: boolean;
  readonly cause?: unknown;
}

/** An error of a call. `message` is a sentence in English that can be shown. */
export class CallError extends Error {
  override readonly name = "CallError";
  readonly code: CallErrorCode;
  /** The HTTP status of the server's answer, where it answered. */
  readonly status: number | null;
  /** The reason for which the session ended, where it has and the server tells it, such as `idle`. */
  readonly endReason: string | null;
  /** True where the server says that the same request may succeed later. */
  readonly passes: boolean;

  constructor(code: CallErrorCode, message: string, details: CallErrorDetails = {}) {
    const { status = null, endReason = null, passes = false, cause } = details;
    super(message, { cause });
    this.code = code;
    this.status = status;
    this.endReason = endReason;
    this.passes = passes;
  }
}

/** The server's codes that stand for one of ours. */
const codes: Readonly<Record<string, CallErrorCode>> = {
  POOL_FULL: "full",
  CALL_FULL: "full",
  FLEET_FULL: "full",
  RATE_LIMITED: "full",
  OVERLOADED: "full",
  NO_THREAD: "full",
  DRAINING: "not_ready",
  WARMING_UP: "not_ready",
  NOT_STARTED: "not_ready",
  AGENT_UNAVAILABLE: "not_ready",
  CRASH_STORM: "not_ready",
  SESSION_NOT_FOUND: "not_found",
  SESSION_CLOSING: "not_ready",
  EDGE_CANNOT_RECEIVE: "not_offered",
};
const byStatus: Readonly<Record<number, CallErrorCode>> = {
  401: "forbidden",
  403: "forbidden",
  404: "not_found",
  429: "full",
};

/** Makes an error of a server's answer that is no success. */
export async function errorOf(response: Response): Promise<CallError> {
  const { status } = response;
  let problem: { readonly code?: unknown; readonly detail?: unknown; readonly end_reason?: unknown } = {};
  try {
    problem = (await response.json()) as typeof problem;
  } catch {
    // A proxy in between answered.
  }
  const code = codes[String(problem.code)] ?? byStatus[status] ?? "refused";
  const message = typeof problem.detail === "string" ? problem.detail : `The server answered ${status}`;
  const endReason = typeof problem.end_reason === "string" ? problem.end_reason : null;
  return new CallError(code, message, { status, endReason, passes: response.headers.has("Retry-After") });
}

/** Makes an error of what `getUserMedia` rejects with. */
export function microphoneError(cause: unknown): CallError {
  const name = cause instanceof Error ? cause.name : "";
  if (name === "NotAllowedError" || name === "SecurityError")
    return new CallError("microphone_denied", "The microphone was not allowed.", { cause });
  if (name === "NotFoundError" || name === "OverconstrainedError")
    return new CallError("no_microphone", "No microphone was found.", { cause });
  return new CallError("microphone_failed", "The microphone cannot be used: another program may hold it.", {
    cause,
  });
}

/** Returns whether a WebSocket may succeed where WebRTC did not: the server is there, and has not refused the caller. */
export function mayPassBySocket(error: unknown): boolean {
  return !(error instanceof CallError) || ["connection_failed", "refused"].includes(error.code);
}

/** Makes an error of a call of any error. */
export function asCallError(error: unknown): CallError {
  if (error instanceof CallError) return error;
  return new CallError("connection_failed", "The call could not be connected.", { cause: error });
}
