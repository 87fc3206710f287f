import { createHmac, randomBytes } from "node:crypto";
import { derivedSecret, peerSecrets } from "../peers/connection/peer-secret.ts";
import { isSame } from "./constant-time.ts";

/** The beginning of a subprotocol that carries a token: a browser can set no header of a WebSocket. */
export const tokenProtocolPrefix = "greenroom-token.";
/** The header that carries a token. */
export const tokenHeader = "Greenroom-Session-Token";

/** Returns the session token of a request, in its query, its header or among its subprotocols; null where it has none. */
export function presentedToken(headers: Headers, query: URLSearchParams): string | null {
  const inProtocols = headers
    .get("Sec-WebSocket-Protocol")
    ?.split(",")
    .map((name) => name.trim())
    .find((name) => name.startsWith(tokenProtocolPrefix));
  return (
    query.get("token") ?? headers.get(tokenHeader) ?? inProtocols?.slice(tokenProtocolPrefix.length) ?? null
  );
}

/**
 * Makes and checks tokens for browsers, whose sendBeacon and EventSource cannot set headers. A token is derived from
 * the session's id and the secret alone, so nothing has to be kept, and every process with the same secret accepts it.
 * It permits viewing that session, its events, its messages and its closing, and coming into its call as a guest.
 */
export class SessionTokens {
  readonly #secrets: readonly (string | Buffer)[];

  /** @param secrets The first secret signs, and all are accepted. Without any there are no tokens. */
  constructor(secrets: readonly (string | Buffer)[]) {
    this.#secrets = secrets;
  }

  /**
   * Returns the tokens of these options. Replicas that share a `peerSecret` accept each other's tokens, also where no
   * secret for tokens is given.
   */
  static of(options: {
    readonly sessionTokens: boolean;
    readonly sessionTokenSecret?: string | undefined;
    readonly peerSecret?: string | undefined;
  }): SessionTokens {
    if (!options.sessionTokens) return new SessionTokens([]);
    if (options.sessionTokenSecret !== undefined) return new SessionTokens([options.sessionTokenSecret]);
    const shared = peerSecrets(options.peerSecret).map((secret) => derivedSecret(secret, "session tokens"));
    return new SessionTokens(shared.length > 0 ? shared : [randomBytes(32)]);
  }

  issue(sessionId: string): string | null {
    const [secret] = this.#secrets;
    return secret === undefined ? null : this.#sign(secret, sessionId);
  }

  /**
   * Returns whether this is the token of the session. A token has one spelling: other base64 text for the same bytes is
   * refused.
   */
  accepts(sessionId: string, token: string | null): boolean {
    if (token === null) return false;
    return this.#secrets.some((secret) => isSame(token, this.#sign(secret, sessionId)));
  }

  #sign(secret: string | Buffer, sessionId: string): string {
    return createHmac("sha256", secret).update(`greenroom session ${sessionId}`).digest("base64url");
  }
}
