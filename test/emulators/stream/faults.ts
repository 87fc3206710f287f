/** Here are the faults that are made on purpose. All of them may be changed at any time, for what is still to come. */

/** The fault of one request to the coordinator. */
export interface CoordinatorFault {
  /** The end of the path of the requests that it concerns, such as `/join`. Default: any. */
  readonly path?: string;
  readonly status?: number;
  /** Stream's own code in the body: 40 is an expired token. Default 9. */
  readonly code?: number;
  readonly message?: string;
  readonly unrecoverable?: boolean;
  /** The whole body of a refusal, as from a gateway that answers for Stream. */
  readonly body?: string;
  readonly retryAfterSeconds?: number;
  readonly delayMs?: number;
  /** True where the request is never answered. */
  readonly hangs?: boolean;
  /** The TCP connection is cut instead of an answer. */
  readonly cuts?: boolean;
}

/** The fault of a token that ran out just before. */
export const tokenExpired = { status: 401, code: 40, message: "token is expired" } as const;

/** The fault of one websocket to an edge. */
export interface JoinFault {
  /** `joinRequest` is answered with an error of this code. */
  readonly code?: number;
  readonly message?: string;
  readonly shouldRetry?: boolean;
  /** The strategy by which the client is to come back. Default: REJOIN. */
  readonly reconnectStrategy?: number;
  /** The handshake is refused with this status. */
  readonly status?: number;
  /** `joinRequest` is never answered. */
  readonly hangs?: boolean;
  /** The socket is cut instead of an answer to `joinRequest`. */
  readonly cuts?: boolean;
  /** `joinRequest` is answered this much later. */
  readonly delayMs?: number;
  /**
   * A FAST reconnection finds nothing to come back to, and is answered with `reconnected: false`: the session is a fresh one under the
   * old id. Without it, one whose session is gone is refused with PARTICIPANT_RECONNECT_FAILED.
   */
  readonly forgets?: boolean;
}

/** The fault of one request to an edge. */
export interface RpcFault {
  /** The only method that it concerns, such as `SetPublisher`. Default: any. */
  readonly method?: string;
  /** An HTTP status, with Twirp's JSON. */
  readonly status?: number;
  /** An error of this code within a 200. */
  readonly code?: number;
  readonly shouldRetry?: boolean;
  readonly message?: string;
  readonly delayMs?: number;
  /** True where the request is never answered. */
  readonly hangs?: boolean;
  /** The answer is not what was asked for: bytes that are no message. */
  readonly garbage?: boolean;
}

/** The faults of packets of sound on their way. */
export interface PathFault {
  /** Packets that never arrive, in percent. */
  readonly lossPercent?: number;
  /** Every packet arrives later by up to this, each for itself: so they overtake one another. */
  readonly jitterMs?: number;
  /** Every packet arrives later by this. */
  readonly delayMs?: number;
  /** Packets that arrive twice, in percent. */
  readonly doublePercent?: number;
}

/** The faults of the subscriber's offers. */
export interface OfferFault {
  readonly delayMs?: number;
  /** True where the same offer is sent again at once. */
  readonly twice?: boolean;
}

/**
 * The ways in which the SFU's candidates come: as they are found; `early`, before the description that they belong to;
 * `late`, half a second after it; `stale`, as they are found, but each one first with a user name fragment that is of no
 * description.
 */
export type CandidateOrder = "timely" | "early" | "late" | "stale";

export class StreamFaults {
  /** The faults of the next requests that each of them fits. */
  coordinator: CoordinatorFault[] = [];
  /** One for each of the next websockets to any edge. */
  joins: JoinFault[] = [];
  rpcs: RpcFault[] = [];
  /** The faults on the way from a participant to the SFU. */
  uplink: PathFault = {};
  /** The faults on the way from the SFU to a participant. */
  downlink: PathFault = {};
  offers: OfferFault = {};
  candidates: CandidateOrder = "timely";
  #seed = 1;

  clear(): void {
    this.coordinator = [];
    this.joins = [];
    this.rpcs = [];
    this.uplink = {};
    this.downlink = {};
    this.offers = {};
    this.candidates = "timely";
  }

  takeCoordinator(path: string): CoordinatorFault {
    return take(this.coordinator, (fault) => path.endsWith(fault.path ?? ""));
  }

  takeJoin(): JoinFault {
    return this.joins.shift() ?? {};
  }

  takeRpc(method: string): RpcFault {
    return take(this.rpcs, (fault) => (fault.method ?? method) === method);
  }

  /** Returns a number between 0 and 1, the same in every run. */
  random(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#seed / 2 ** 32;
  }
}

function take<F extends object>(faults: F[], fits: (fault: F) => boolean): F | Record<string, never> {
  const index = faults.findIndex(fits);
  return index === -1 ? {} : (faults.splice(index, 1)[0] as F);
}
