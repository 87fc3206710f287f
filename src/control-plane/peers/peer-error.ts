import { DeadlineError } from "../../deadline.ts";
import { nodeHeader } from "./mark.ts";

const wrongAddress = "its --advertised-address (GREENROOM_ADVERTISED_ADDRESS) leads elsewhere";

/** A peer did not answer. */
export class PeerError extends Error {
  override readonly name: string = "PeerError";
  /** It cannot have acted: it was not reached, never got the body, or has died with what it may have begun. */
  readonly surelyUndone: boolean;

  constructor(message: string, surelyUndone: boolean, cause?: unknown) {
    super(message, { cause });
    this.surelyUndone = surelyUndone;
  }

  /** It let a deadline pass: it may stand still. */
  get late(): boolean {
    return this.cause instanceof DeadlineError;
  }
}

export interface AnswerHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The peer proved who it is: it is another one than was asked. */
export function anotherReplica({ headers }: AnswerHead): PeerError {
  const who = headers[nodeHeader.toLowerCase()];
  return new PeerError(`It was answered by another replica (${who}): ${wrongAddress}`, true);
}

/** Whoever answered did not prove that they are a peer. */
export function unproven({ status, headers }: AnswerHead): PeerError {
  const isGreenroom = status === 403 && headers["x-request-id"] !== undefined;
  const why = isGreenroom
    ? "a Greenroom with another GREENROOM_PEER_SECRET, or with none"
    : `no Greenroom there: ${wrongAddress}`;
  return new PeerError(`It was answered ${status} by ${why}`, true);
}
