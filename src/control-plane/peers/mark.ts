import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { PeerRequestKind } from "../../metrics/catalogue.ts";

/** The header that carries a mark to a peer, and its proof back. No client gets to see it, and no callback. */
export const markHeader = "Greenroom-Peer";
/** The header in which a replica that a mark was not for says who it is. */
export const nodeHeader = "Greenroom-Node";
/** Longest mark that is looked at, in characters. */
const longestMark = 4_096;

/** What the peer that passed a request on says of it. */
export interface Hop {
  readonly kind: PeerRequestKind;
  /** Node ids: who passed it on, and to whom. */
  readonly from: string;
  readonly to: string;
  /** Address of the client. */
  readonly ip: string;
  /** The Host that the client asked for; on the wire it is the peer's own. Null: none. */
  readonly host: string | null;
}

export interface ReadMark {
  readonly hop: Hop;
  /** For the answer: see {@link Mark.proof}. */
  readonly proof: string;
}

/** The first line of a request, as the peer receives it. */
export interface Line {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
}

export interface Mark {
  readonly text: string;
  /** What an answer must carry: only who knows the secret can give it, so a stranger at a peer's old address cannot. */
  readonly proof: string;
}

/**
 * Marks of requests that a peer passes on: HMAC-SHA256 of the shared secret over what the peer says, to whom, and the first
 * line of the request. There is no time in it, since the clocks of replicas may be minutes apart: who gets hold of a mark
 * can use it again for the same request to the same node, so nobody but the two ever sees it.
 *
 *     Greenroom-Peer: base64url(hop as JSON, with a nonce) "." base64url(HMAC)
 */
export class PeerMarks {
  readonly #secrets: readonly string[];

  /** The first secret signs; all are accepted, so that the secret can be changed while the fleet runs. */
  constructor(secrets: readonly [string, ...string[]]) {
    this.#secrets = secrets;
  }

  sign(hop: Hop, line: Line): Mark {
    const [secret = ""] = this.#secrets;
    const nonce = randomBytes(12).toString("base64url");
    const said = Buffer.from(JSON.stringify({ ...hop, nonce })).toString("base64url");
    const text = `${said}.${macOf(secret, said, line).toString("base64url")}`;
    return { text, proof: proofOf(secret, text) };
  }

  /** Null: none of us made this mark for this request. */
  read(text: string, line: Line): ReadMark | null {
    const [said = "", mac = "", ...more] = text.split(".");
    if (text.length > longestMark || more.length > 0) return null;
    const given = Buffer.from(mac, "base64url");
    const secret = this.#secrets.find((candidate) => same(given, macOf(candidate, said, line)));
    if (secret === undefined) return null;
    const hop = JSON.parse(Buffer.from(said, "base64url").toString()) as Hop;
    return { hop, proof: proofOf(secret, text) };
  }
}

function macOf(secret: string, said: string, { method, target }: Line): Buffer {
  return createHmac("sha256", secret).update(`greenroom peer\n${method}\n${target}\n${said}`).digest();
}

function proofOf(secret: string, mark: string): string {
  return createHmac("sha256", secret).update(`greenroom peer answer\n${mark}`).digest("base64url");
}

function same(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Whether an answer comes from who was asked. */
export function isProof(given: string | string[] | undefined, { proof }: Mark): boolean {
  return typeof given === "string" && same(Buffer.from(given), Buffer.from(proof));
}
