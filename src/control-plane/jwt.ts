import { createPublicKey, type KeyObject } from "node:crypto";
import type { JWTPayload, JWTVerifyOptions, JWTVerifyResult } from "jose";
import { GreenroomError } from "../errors.ts";
import { bearerToken, unauthorized } from "./bearer.ts";
import { HttpError } from "./http-error.ts";
import { preparable } from "./prepare.ts";
import type { Dependency } from "./scope.ts";

/** Exactly one of `secret`, `publicKey` and `jwksUrl`. */
export interface JwtOptions {
  /**
   * Shared secret of the HS… algorithms, 32 characters or more. As a function it is read when the server starts, when the
   * lines of `.env` are variables too: `() => process.env.JWT_SECRET`.
   */
  readonly secret?: string | (() => string | undefined) | undefined;
  /** Public key in PEM. */
  readonly publicKey?: string | undefined;
  /** Where the issuer publishes its keys. They are fetched when first needed, and again when an unknown one is named. */
  readonly jwksUrl?: string | URL | undefined;
  /** Who must have made the token. Default: anybody with the key. */
  readonly issuer?: string | readonly string[] | undefined;
  /** Whom it must be meant for. Default: anybody. */
  readonly audience?: string | readonly string[] | undefined;
  /** Default: HS256 with a secret; RS256, PS256, ES256 and EdDSA with public keys. */
  readonly algorithms?: readonly string[] | undefined;
}

/** Difference of clocks that is forgiven, in seconds. */
const clockToleranceSeconds = 5;

type Verify = (token: string) => Promise<JWTVerifyResult>;

/**
 * Lets in who has a valid token, as `Authorization: Bearer`; others get 401. Its value is the token's claims. The options are
 * looked at when the server starts, wherever it is used, not here: an agent's module is loaded in the session threads too,
 * where secrets are not.
 */
export function jwt(options: JwtOptions): Dependency<JWTPayload> {
  let verifier: Promise<Verify> | undefined;
  const dependency: Dependency<JWTPayload> = async ({ headers }) => {
    const token = bearerToken(headers);
    if (token === null) throw unauthorized("A token is needed, as Authorization: Bearer");
    verifier ??= makeVerifier(options);
    try {
      const { payload } = await (await verifier)(token);
      return payload;
    } catch (error) {
      throw refusal(error, options.jwksUrl !== undefined);
    }
  };
  return preparable(dependency, { check: () => checkOptions(options), unnamed: "refuse" });
}

async function makeVerifier(options: JwtOptions): Promise<Verify> {
  checkOptions(options);
  const { publicKey, jwksUrl, algorithms } = options;
  const secret = readSecret(options);
  const { jwtVerify, createRemoteJWKSet } = await import("jose");
  const rules: JWTVerifyOptions = {
    algorithms: [
      ...(algorithms ?? (secret === undefined ? ["RS256", "PS256", "ES256", "EdDSA"] : ["HS256"])),
    ],
    clockTolerance: clockToleranceSeconds,
    ...(options.issuer === undefined ? {} : { issuer: list(options.issuer) }),
    ...(options.audience === undefined ? {} : { audience: list(options.audience) }),
  };
  if (jwksUrl !== undefined) {
    const keys = createRemoteJWKSet(new URL(jwksUrl));
    return (token) => jwtVerify(token, keys, rules);
  }
  const key = secret === undefined ? readPublicKey(publicKey ?? "") : new TextEncoder().encode(secret);
  return (token) => jwtVerify(token, key, rules);
}

const list = (text: string | readonly string[]): string[] => (typeof text === "string" ? [text] : [...text]);

const readSecret = ({ secret }: JwtOptions): string | undefined =>
  typeof secret === "function" ? secret() : secret;

function checkOptions(options: JwtOptions): void {
  const { publicKey, jwksUrl } = options;
  const secret = readSecret(options);
  const given = [secret, publicKey, jwksUrl].filter((key) => key !== undefined && key !== "");
  if (given.length !== 1)
    throw wrong("give exactly one of secret, publicKey and jwksUrl, and not an empty one");
  if (secret !== undefined && secret.length < 32) throw wrong("secret must have at least 32 characters");
  if (publicKey !== undefined) readPublicKey(publicKey);
  if (jwksUrl !== undefined && !URL.canParse(String(jwksUrl))) throw wrong("jwksUrl must be a URL");
}

function readPublicKey(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (error) {
    throw wrong(`publicKey must be a key in PEM: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const wrong = (message: string): GreenroomError => new GreenroomError("INVALID_OPTIONS", `jwt(): ${message}`);

/** What is wrong with a token is its bearer's affair; keys that cannot be had are ours. */
function refusal(error: unknown, fetched: boolean): Error {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (GreenroomError.is(error)) return error;
  if (code === "ERR_JWT_EXPIRED") return unauthorized("The token has expired", "invalid_token", error);
  if (!fetched || /^ERR_(JWT|JWS|JWE|JOSE_ALG|JOSE_NOT|JWKS_NO_MATCHING|JWKS_MULTIPLE)/.test(code)) {
    return unauthorized("The token is not valid", "invalid_token", error);
  }
  return new HttpError(503, "The keys that sign tokens cannot be had at the moment", { cause: error });
}
