import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/**
 * Tokens for browsers, whose sendBeacon and EventSource cannot set headers. A token is made of the session's id and the
 * secret alone, so nothing has to be kept, and every process with the same secret knows it. It is good for viewing that
 * session, its events, its messages and its closing.
 */
export class SessionTokens {
  readonly #secret: string | Buffer | null;

  /** `secret` null: there are no tokens. */
  constructor(secret: string | Buffer | null) {
    this.#secret = secret;
  }

  static of(options: {
    readonly sessionTokens: boolean;
    readonly sessionTokenSecret?: string | undefined;
  }): SessionTokens {
    return new SessionTokens(options.sessionTokens ? (options.sessionTokenSecret ?? randomBytes(32)) : null);
  }

  issue(sessionId: string): string | null {
    return this.#secret === null ? null : this.#sign(this.#secret, sessionId).toString("base64url");
  }

  accepts(sessionId: string, token: string | null): boolean {
    if (this.#secret === null || token === null) return false;
    const given = Buffer.from(token, "base64url");
    const right = this.#sign(this.#secret, sessionId);
    return given.length === right.length && timingSafeEqual(given, right);
  }

  #sign(secret: string | Buffer, sessionId: string): Buffer {
    return createHmac("sha256", secret).update(`greenroom session ${sessionId}`).digest();
  }
}
