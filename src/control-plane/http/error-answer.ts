import { GreenroomError } from "../../shared/errors.ts";
import { HttpError } from "./http-error.ts";
import { flawsOf, InvalidRequest, type Issue } from "./invalid-request.ts";

/** The part of an error that a client gets. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>> & { readonly detail: unknown; readonly code: string };
}

/**
 * Returns the answer to an error. All errors become answers here. An error that is not known to be for clients becomes
 * a bare 500.
 */
export function errorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof InvalidRequest) {
    return { status: error.status, headers: {}, body: { detail: error.flaws, code: error.code } };
  }
  if (GreenroomError.is(error) && error.code !== "INVALID_OPTIONS") {
    const { status, code, message: detail, retryAfterSeconds } = error;
    const headers =
      retryAfterSeconds === undefined ? {} : { "Retry-After": String(Math.ceil(retryAfterSeconds)) };
    return { status, headers, body: { detail, code, ...extrasOf(error) } };
  }
  if (HttpError.is(error)) {
    const { status, headers, detail, code } = error;
    return { status, headers: withRetryAfter(status, headers), body: { detail, code } };
  }
  if (isExposed(error)) {
    const { status, message: detail, headers, code } = new HttpError(error.status, error.message);
    return { status, headers: withRetryAfter(status, headers), body: { detail, code } };
  }
  const issues = zodIssues(error);
  if (issues) return { status: 422, headers: {}, body: { detail: flawsOf(issues), code: "INVALID_REQUEST" } };
  const { status, code, message: detail } = new GreenroomError("INTERNAL");
  return { status, headers: {}, body: { detail, code } };
}

/** An error of the table with further fields in its body. */
export class DetailedError extends GreenroomError {
  readonly extras: Readonly<Record<string, unknown>>;

  constructor(
    code: ConstructorParameters<typeof GreenroomError>[0],
    fill: string,
    extras: Readonly<Record<string, unknown>>,
  ) {
    super(code, fill);
    this.extras = extras;
  }
}

function extrasOf(error: GreenroomError): Readonly<Record<string, unknown>> {
  return error instanceof DetailedError ? error.extras : {};
}

function withRetryAfter(
  status: number,
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const given = Object.keys(headers).some((name) => name.toLowerCase() === "retry-after");
  return given || (status !== 429 && status !== 503) ? headers : { ...headers, "Retry-After": "1" };
}

/**
 * Returns whether an error says that it is for the client, as Koa's `ctx.throw(409, "…")` does in routes that were
 * added to the application.
 */
function isExposed(error: unknown): error is Error & { readonly status: number } {
  return (
    error instanceof Error &&
    "expose" in error &&
    error.expose === true &&
    "status" in error &&
    Number.isInteger(error.status) &&
    Number(error.status) >= 400 &&
    Number(error.status) < 500
  );
}

/** Returns the issues of an error of zod; null for any other error. A permission callback may use its own copy of zod. */
function zodIssues(error: unknown): readonly Issue[] | null {
  if (!(error instanceof Error) || !("issues" in error) || !Array.isArray(error.issues)) return null;
  return error.name === "ZodError" || error.name === "$ZodError" ? error.issues : null;
}
