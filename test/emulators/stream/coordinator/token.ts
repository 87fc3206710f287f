import { createHmac, timingSafeEqual } from "node:crypto";

/** The claims of a token. Times are in seconds since the Unix epoch. */
export interface Claims {
  readonly user_id?: string;
  readonly server?: boolean;
  readonly iat?: number;
  readonly nbf?: number;
  readonly exp?: number;
  /** The only calls that it is valid for, as `<type>:<id>`. Default: all. */
  readonly call_cids?: readonly string[];
  /** The call and the SFU of a token for an SFU. */
  readonly call_cid?: string;
  readonly edge?: string;
}

/** The reasons for which a token is refused, with the coordinator's codes. */
export const tokenFaults = {
  expired: [40, "token is expired"],
  malformed: [41, "token is not valid"],
  early: [42, "token used before issue at (iat)"],
  signature: [43, "Token signature is invalid"],
} as const;
export type TokenFault = keyof typeof tokenFaults;

const coded = (text: string): string => Buffer.from(text).toString("base64url");

export function signToken(claims: Claims, secret: string): string {
  const head = `${coded('{"alg":"HS256","typ":"JWT"}')}.${coded(JSON.stringify(claims))}`;
  return `${head}.${createHmac("sha256", secret).update(head).digest("base64url")}`;
}

const decoded = (text: string): unknown => JSON.parse(Buffer.from(text, "base64url").toString());

/** @param at The emulator's time, in epoch milliseconds. There is no leeway, since Stream has nearly none. */
export function readToken(token: string, secret: string, at = Date.now()): Claims | TokenFault {
  const parts = token.split(".");
  const [header = "", body = "", signature = ""] = parts;
  if (parts.length !== 3) return "malformed";
  let claims: unknown;
  try {
    const { alg } = decoded(header) as { alg?: unknown };
    if (alg !== "HS256") return "malformed";
    claims = decoded(body);
  } catch {
    return "malformed";
  }
  const expected = createHmac("sha256", secret).update(`${header}.${body}`).digest();
  const given = Buffer.from(signature, "base64url");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return "signature";
  if (!areClaims(claims)) return "malformed";
  const seconds = at / 1_000;
  if (claims.exp !== undefined && claims.exp <= seconds) return "expired";
  if (Math.max(claims.iat ?? 0, claims.nbf ?? 0) > seconds) return "early";
  return claims;
}

function areClaims(value: unknown): value is Claims {
  if (typeof value !== "object" || value === null) return false;
  const { user_id, server, iat, nbf, exp, call_cids } = value as Record<string, unknown>;
  const times = [iat, nbf, exp].every((time) => time === undefined || typeof time === "number");
  const calls = call_cids === undefined || (Array.isArray(call_cids) && call_cids.length > 0);
  return times && calls && (server === true || (typeof user_id === "string" && user_id !== ""));
}
