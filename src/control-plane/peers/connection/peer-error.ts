import { DeadlineError } from "../../../shared/deadline.ts";
import { nodeHeader } from "./mark.ts";

const wrongAddress = "its --advertised-address (GREENROOM_ADVERTISED_ADDRESS) leads elsewhere";

/** The error for a peer that did not answer. */
export class PeerError extends Error {
  override readonly name: string = "PeerError";
  /**
   * True where the peer cannot have acted: it was not reached, never got the body, or is dead with everything that it
   * may have begun.
   */
  readonly surelyUndone: boolean;

  constructor(message: string, surelyUndone: boolean, cause?: unknown) {
    super(message, { cause });
    this.surelyUndone = surelyUndone;
  }

  /** Returns whether the peer let a deadline pass: it may stand still. */
  get late(): boolean {
    return this.cause instanceof DeadlineError;
  }

  /** Returns whether nobody listens at the peer's address. */
  get refused(): boolean {
    return isRefusal(this.cause);
  }
}

/** The error for an answer of a replica that proved itself, and is not the one that was asked. */
export class AnotherReplica extends PeerError {}

/** Returns whether a connection was refused. A name may have several addresses: then each must have refused. */
function isRefusal(cause: unknown): boolean {
  if (cause instanceof AggregateError) return cause.errors.length > 0 && cause.errors.every(isRefusal);
  return cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
}

export interface AnswerHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Returns the error for a peer that proved itself, and is not the one that was asked. */
export function notTheOne({ status, headers }: AnswerHead): PeerError {
  if (status !== 421) return new PeerError(`It answered ${status} to a greeting`, true);
  const who = headers[nodeHeader.toLowerCase()];
  return new AnotherReplica(`It was answered by another replica (${who}): ${wrongAddress}`, true);
}

/** Returns the error for an answer whose sender did not prove itself. */
export function unproven({ status, headers }: AnswerHead): PeerError {
  const isGreenroom = status === 403 && headers["x-request-id"] !== undefined;
  const why = isGreenroom
    ? "a Greenroom with another GREENROOM_PEER_SECRET, or with none"
    : `no Greenroom there: ${wrongAddress}`;
  return new PeerError(`It was answered ${status} by ${why}`, true);
}
