import { createPublicKey, type KeyObject } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { JWTPayload, JWTVerifyOptions, JWTVerifyResult } from "jose";
import type { Dependency } from "../../api/scope.ts";
import { GreenroomError } from "../../shared/errors.ts";
import { HttpError } from "../http/http-error.ts";
import { bearerToken, unauthorized } from "./bearer.ts";
import { preparable } from "./prepare.ts";

/** The options of {@link jwt}. Exactly one of `secret`, `publicKey` and `jwksUrl` is given. */
export interface JwtOptions {
  /**
   * The shared secret of the HS… algorithms, 32 characters or more. A function is called when the server starts, when
   * the lines of `.env` are variables too: `() => process.env.JWT_SECRET`. It is called again every 2 s while tokens
   * come, so that it may read a file that changes. While it throws or returns no secret, nobody is let in.
   */
  readonly secret?: string | (() => string | undefined) | undefined;
  /** The public key in PEM; as a function, see `secret`. */
  readonly publicKey?: string | (() => string | undefined) | undefined;
  /**
   * The address at which the issuer publishes its keys. They are fetched when first needed, and again when a token
   * names an unknown key.
   */
  readonly jwksUrl?: string | URL | undefined;
  /**
   * The issuer that must have made the token.
   * @default any issuer that has the key
   */
  readonly issuer?: string | readonly string[] | undefined;
  /**
   * The audience that the token must be meant for.
   * @default any audience
   */
  readonly audience?: string | readonly string[] | undefined;
  /**
   * The signature algorithms that are accepted.
   * @default HS256 with a secret; RS256, PS256, ES256 and EdDSA with public keys
   */
  readonly algorithms?: readonly string[] | undefined;
}

/** The greatest age of a secret or key that a function brought, in milliseconds. */
const longestAgeMs = 2_000;
/** The difference of clocks that is accepted, in seconds. */
const clockToleranceSeconds = 5;

type Verify = (token: string) => Promise<JWTVerifyResult>;

/**
 * Returns a check that lets in callers with a valid token, as `Authorization: Bearer`; others get 401. Its value is the
 * token's claims. The options are checked when the server starts, not here: an agent's module is loaded in the session
 * threads too, where secrets are not available.
 */
export function jwt(options: JwtOptions): Dependency<JWTPayload> {
  const verifier = new Verifier(options);
  const dependency: Dependency<JWTPayload> = async ({ headers }) => {
    const token = bearerToken(headers);
    if (token === null) throw unauthorized("A token is needed, as Authorization: Bearer");
    const verify = await verifier.current();
    try {
      return (await verify(token)).payload;
    } catch (error) {
      throw refusal(error, options.jwksUrl !== undefined);
    }
  };
  return preparable(dependency, { check: () => void readMaterial(options), unnamed: "refuse" });
}

/** Verifies tokens by the keys that the options hold, which may change where they are functions. */
class Verifier {
  readonly #options: JwtOptions;
  #material: Material | undefined;
  #verify: Promise<Verify> | undefined;
  #readAt = 0;

  constructor(options: JwtOptions) {
    this.#options = options;
  }

  /** Resolves with the function that verifies a token. Rejects where the keys cannot be had. */
  current(): Promise<Verify> {
    if (this.#verify && performance.now() - this.#readAt <= longestAgeMs) return this.#verify;
    const readAt = performance.now();
    try {
      const material = readMaterial(this.#options);
      if (!this.#verify || !isDeepStrictEqual(material, this.#material))
        this.#verify = makeVerify(material, this.#options);
      this.#material = material;
      this.#readAt = readAt;
      return this.#verify;
    } catch (error) {
      this.#verify = undefined;
      return Promise.reject(unavailable(error));
    }
  }
}

/** The keys by which tokens are verified: texts, or an address. */
interface Material {
  readonly secret: string | undefined;
  readonly publicKey: string | undefined;
  readonly jwksUrl: string | undefined;
}

async function makeVerify(
  { secret, publicKey, jwksUrl }: Material,
  { algorithms, issuer, audience }: JwtOptions,
): Promise<Verify> {
  const { jwtVerify, createRemoteJWKSet } = await import("jose");
  const rules: JWTVerifyOptions = {
    algorithms: [
      ...(algorithms ?? (secret === undefined ? ["RS256", "PS256", "ES256", "EdDSA"] : ["HS256"])),
    ],
    clockTolerance: clockToleranceSeconds,
    ...(issuer === undefined ? {} : { issuer: list(issuer) }),
    ...(audience === undefined ? {} : { audience: list(audience) }),
  };
  if (jwksUrl !== undefined) {
    const keys = createRemoteJWKSet(new URL(jwksUrl));
    return (token) => jwtVerify(token, keys, rules);
  }
  const key = secret === undefined ? readPublicKey(publicKey ?? "") : new TextEncoder().encode(secret);
  return (token) => jwtVerify(token, key, rules);
}

const list = (text: string | readonly string[]): string[] => (typeof text === "string" ? [text] : [...text]);

const read = (text: string | (() => string | undefined) | undefined): string | undefined =>
  typeof text === "function" ? text() : text;

/** Reads the secret or the keys. Throws INVALID_OPTIONS. */
function readMaterial(options: JwtOptions): Material {
  const secret = read(options.secret);
  const publicKey = read(options.publicKey);
  const jwksUrl = options.jwksUrl === undefined ? undefined : String(options.jwksUrl);
  const given = [secret, publicKey, jwksUrl].filter((key) => key !== undefined && key !== "");
  if (given.length !== 1)
    throw wrong("give exactly one of secret, publicKey and jwksUrl, and not an empty one");
  if (secret !== undefined && secret.length < 32) throw wrong("secret must have at least 32 characters");
  if (publicKey !== undefined) readPublicKey(publicKey);
  if (jwksUrl !== undefined && !URL.canParse(jwksUrl)) throw wrong("jwksUrl must be a URL");
  return { secret, publicKey, jwksUrl };
}

function readPublicKey(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (error) {
    throw wrong(`publicKey must be a key in PEM: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const wrong = (message: string): GreenroomError => new GreenroomError("INVALID_OPTIONS", `jwt(): ${message}`);

/**
 * Returns the error for a token that cannot be verified: 401 where the token is wrong, and an error of the server where the
 * keys cannot be had.
 */
function refusal(error: unknown, fetched: boolean): Error {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ERR_JWT_EXPIRED") return unauthorized("The token has expired", "invalid_token", error);
  if (!fetched || /^ERR_(JWT|JWS|JWE|JOSE_ALG|JOSE_NOT|JWKS_NO_MATCHING|JWKS_MULTIPLE)/.test(code)) {
    return unauthorized("The token is not valid", "invalid_token", error);
  }
  return unavailable(error);
}

function unavailable(cause: unknown): HttpError {
  return new HttpError(503, "The keys that verify tokens cannot be loaded at the moment: try again later", {
    cause,
  });
}
