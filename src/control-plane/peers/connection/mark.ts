import { createHash, createHmac, randomBytes } from "node:crypto";
import type { PeerRequestKind } from "../../../metrics/labels.ts";
import { isSame } from "../../access/constant-time.ts";

/** The header that carries a greeting or a mark to a peer, and its proof back. It is hidden from clients and callbacks. */
export const markHeader = "Greenroom-Peer";
/** The header in which a replica gives its node id, where a request was meant for another one. */
export const nodeHeader = "Greenroom-Node";
/** The header in which a replica tells its peers the number of its node's life: see `SessionRegistry.epoch`. */
export const epochHeader = "Greenroom-Epoch";
/** The header in which a replica tells its peers that it does not have the session, and so cannot judge the request. */
export const unknownHeader = "Greenroom-Unknown-Session";
/** The longest mark that is read, in characters. */
const longestMark = 4_096;

/** The facts about a request that the peer which passed it on sends along. */
export interface Hop {
  readonly kind: PeerRequestKind;
  /** The node ids of the replica that passed it on, and of the one that it was passed to. */
  readonly from: string;
  readonly to: string;
  /** The address of the client. */
  readonly ip: string;
  /** The Host that the client asked for; on the wire it is the peer's own. Null: none. */
  readonly host: string | null;
}

/** The parts of a request that its mark is bound to, as the peer receives them. */
export interface Sealed {
  readonly method: string;
  /** The path and the query. */
  readonly target: string;
  /** The hash of the body: see {@link bodyHashOf}. */
  readonly bodyHash: string;
}

/**
 * The part of a mark that makes it valid once: the ticket that the peer gave to a connection, and a number that only
 * rises on it.
 */
export interface Turn {
  readonly ticket: string;
  readonly count: number;
}

export interface Mark {
  readonly text: string;
  /** The proof that an answer must carry: it takes the secret to make it. */
  readonly proof: string;
}

export interface ReadMark extends Turn {
  readonly hop: Hop;
  /** The hash that the body must have, once it is read. */
  readonly bodyHash: string;
  /** The proof that the answer must carry: see {@link Mark.proof}. */
  readonly proof: string;
}

export interface ReadGreeting {
  /** The node ids of the replica that greets, and of the one that is greeted. */
  readonly from: string;
  readonly to: string;
  /** Returns the answer to the greeting, which gives the ticket. */
  answer(ticket: string): string;
}

export const bodyHashOf = (body: Uint8Array | null): string =>
  createHash("sha256")
    .update(body ?? "")
    .digest("base64url");

/**
 * The proofs that replicas give each other: HMAC-SHA256 of the secret that they share.
 *
 *     asking replica                                              its peer
 *       greeting: who, whom, a nonce, MAC            →
 *                                                    ←            a ticket, MAC over greeting and ticket
 *       request with the caller's headers and a mark:
 *       who, whom, ticket, count, MAC over these,
 *       method, target and the body's hash           →
 *                                                    ←            the answer, MAC over the mark
 *
 * Each connection begins with a greeting, and no data of a caller is sent before the peer has answered it rightly: a
 * foreign process at the address of a replica that is gone gets the greeting and no more. A ticket holds the time by
 * the clock of the peer that gave it, so the clocks of two replicas need not agree; see `Tickets`.
 */
export class PeerMarks {
  readonly #secrets: readonly string[];

  /**
   * Takes the secrets. The first one signs; all are accepted, so that the secret can be changed while the fleet runs.
   */
  constructor(secrets: readonly [string, ...string[]]) {
    this.#secrets = secrets;
  }

  /**
   * Returns a greeting, and a function that reads the ticket out of its answer, or returns null where that is not
   * right.
   */
  greet(from: string, to: string): { readonly text: string; ticketOf(answer: string): string | null } {
    const said = encoded({ from, to, nonce: randomBytes(12).toString("base64url") });
    const text = `${said}.${this.#sign("greeting", said)}`;
    return {
      text,
      ticketOf: (answer) => {
        const { said: ticket, mac } = partsOf(answer);
        return isSame(mac, this.#sign("greeting answered", `${text}\n${ticket}`)) ? ticket : null;
      },
    };
  }

  /** Reads a greeting. Returns null where it was not made with one of the secrets. */
  readGreeting(text: string): ReadGreeting | null {
    const { said, mac } = partsOf(text);
    const secret = this.#secretOf("greeting", said, mac);
    if (secret === undefined) return null;
    const { from, to } = decoded<{ from: string; to: string }>(said);
    return {
      from,
      to,
      answer: (ticket) => `${ticket}.${macOf(secret, "greeting answered", `${text}\n${ticket}`)}`,
    };
  }

  sign(hop: Hop, sealed: Sealed, turn: Turn): Mark {
    const said = encoded({ ...hop, bodyHash: sealed.bodyHash, ticket: turn.ticket, count: turn.count });
    const text = `${said}.${this.#sign("mark", lines(said, sealed))}`;
    return { text, proof: this.#sign("mark answered", text) };
  }

  /**
   * Reads a mark. Returns null where it was not made with one of the secrets for this request line. It is not checked
   * here that the mark is still valid, and the body right.
   */
  read(text: string, line: Pick<Sealed, "method" | "target">): ReadMark | null {
    const { said, mac } = partsOf(text);
    const secret = this.#secretOf("mark", lines(said, line), mac);
    if (secret === undefined) return null;
    const { bodyHash, ticket, count, ...hop } = decoded<Hop & Turn & Pick<Sealed, "bodyHash">>(said);
    return { hop, bodyHash, ticket, count, proof: macOf(secret, "mark answered", text) };
  }

  #sign(purpose: string, text: string): string {
    const [secret = ""] = this.#secrets;
    return macOf(secret, purpose, text);
  }

  #secretOf(purpose: string, text: string, mac: string): string | undefined {
    return this.#secrets.find((secret) => isSame(mac, macOf(secret, purpose, text)));
  }
}

const lines = (said: string, { method, target }: Pick<Sealed, "method" | "target">): string =>
  `${method}\n${target}\n${said}`;

function macOf(secret: string, purpose: string, text: string): string {
  return createHmac("sha256", secret).update(`greenroom peer ${purpose}\n${text}`).digest("base64url");
}

const encoded = (said: object): string => Buffer.from(JSON.stringify(said)).toString("base64url");
/** Decodes the JSON of a text. It is called only for texts whose MAC has been verified. */
const decoded = <T>(said: string): T => JSON.parse(Buffer.from(said, "base64url").toString()) as T;

/** Splits a text into its content, and the MAC behind the last dot. */
function partsOf(text: string): { readonly said: string; readonly mac: string } {
  const dot = text.lastIndexOf(".");
  if (dot === -1 || text.length > longestMark) return { said: "", mac: "" };
  return { said: text.slice(0, dot), mac: text.slice(dot + 1) };
}

/** Returns whether an answer comes from the replica that was asked. */
export function isProof(given: string | string[] | undefined, { proof }: Mark): boolean {
  return typeof given === "string" && isSame(given, proof);
}
