import { createHmac, timingSafeEqual } from "node:crypto";

/** What a token says. Times in seconds since the Unix epoch. */
export interface Claims {
  readonly user_id?: string;
  readonly server?: boolean;
  readonly iat?: number;
  readonly exp?: number;
  /** Of the SFU's tokens: which call, on which edge. */
  readonly call_cid?: string;
  readonly edge?: string;
}

/** Why a token is not let in: the coordinator's codes. */
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

export function readToken(token: string, secret: string): Claims | TokenFault {
  const [header, body, signature] = token.split(".");
  if (header === undefined || body === undefined || signature === undefined) return "malformed";
  const expected = createHmac("sha256", secret).update(`${header}.${body}`).digest();
  const given = Buffer.from(signature, "base64url");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return "signature";
  let claims: Claims;
  try {
    claims = JSON.parse(Buffer.from(body, "base64url").toString());
  } catch {
    return "malformed";
  }
  const seconds = Date.now() / 1_000;
  if (claims.exp !== undefined && claims.exp <= seconds) return "expired";
  if (claims.iat !== undefined && claims.iat > seconds + 5) return "early";
  return claims;
}
