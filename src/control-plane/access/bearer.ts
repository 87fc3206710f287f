import { HttpError } from "../http/http-error.ts";

/** Returns the token of `Authorization: Bearer …`, or null. */
export function bearerToken(headers: Headers): string | null {
  const match = /^bearer +([^\s]+)$/i.exec(headers.get("authorization") ?? "");
  return match?.[1] ?? null;
}

/** Returns a 401, with the challenge that RFC 6750 asks for. `error` is given only where there was a token. */
export function unauthorized(detail: string, error?: "invalid_token", cause?: unknown): HttpError {
  const challenge = error === undefined ? "Bearer" : `Bearer error="${error}"`;
  return new HttpError(401, detail, { headers: { "WWW-Authenticate": challenge }, cause });
}
