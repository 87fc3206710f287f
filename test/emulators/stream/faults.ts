/** The faults that tests set. All of them may be changed at any time, for later requests. */

/** The fault of one request to the coordinator. */
export interface CoordinatorFault {
  /** The end of the path of the requests that it applies to, such as `/join`. Default: any. */
  readonly path?: string;
  readonly status?: number;
  /** Stream's code in the body, such as 40 for an expired token. Default 9. */
  readonly code?: number;
  readonly message?: string;
  readonly unrecoverable?: boolean;
  /** The whole body of a refusal, as from a gateway in front of Stream. */
  readonly body?: string;
  readonly retryAfterSeconds?: number;
  readonly delayMs?: number;
  /** Leaves the request without a response. */
  readonly hangs?: boolean;
  /** Cuts the TCP connection instead of a response. */
  readonly cuts?: boolean;
}

/** The fault of an expired token. */
export const tokenExpired = { status: 401, code: 40, message: "token is expired" } as const;

/** The fault of one websocket to an SFU. */
export interface JoinFault {
  /** Answers `joinRequest` with an error of this code. */
  readonly code?: number;
  readonly message?: string;
  readonly shouldRetry?: boolean;
  /** The strategy by which the client is to reconnect. Default: REJOIN. */
  readonly reconnectStrategy?: number;
  /** Refuses the handshake with this status. */
  readonly status?: number;
  /** Leaves `joinRequest` without a response. */
  readonly hangs?: boolean;
  /** Cuts the socket instead of a response to `joinRequest`. */
  readonly cuts?: boolean;
  /** The delay of the response to `joinRequest`, in milliseconds. */
  readonly delayMs?: number;
  /**
   * Answers a FAST reconnect with `reconnected: false`, with a new session under the old id. Without it, a reconnect to a session
   * that is gone is refused with PARTICIPANT_RECONNECT_FAILED.
   */
  readonly forgets?: boolean;
}

/** The fault of one request to an SFU. */
export interface RpcFault {
  /** The only method that it applies to, such as `SetPublisher`. Default: any. */
  readonly method?: string;
  /** Responds with this HTTP status, and Twirp's JSON. */
  readonly status?: number;
  /** Responds with an error of this code within a 200. */
  readonly code?: number;
  readonly shouldRetry?: boolean;
  readonly message?: string;
  readonly delayMs?: number;
  /** Leaves the request without a response. */
  readonly hangs?: boolean;
  /** Responds with bytes that are not a message. */
  readonly garbage?: boolean;
}

/** The faults of packets of sound. */
export interface PathFault {
  /** The share of packets that are lost, in percent. */
  readonly lossPercent?: number;
  /** The largest random delay of each packet, in milliseconds; packets then overtake one another. */
  readonly jitterMs?: number;
  /** The delay of every packet, in milliseconds. */
  readonly delayMs?: number;
  /** The share of packets that arrive twice, in percent. */
  readonly doublePercent?: number;
}

/** The faults of the subscriber's offers. */
export interface OfferFault {
  readonly delayMs?: number;
  /** Sends each offer twice. */
  readonly twice?: boolean;
}

/**
 * The order of the SFU's candidates: as they are found; `early`, before their description; `late`, half a second after it; or
 * `stale`, as they are found, each preceded by one with a user name fragment of no description.
 */
export type CandidateOrder = "timely" | "early" | "late" | "stale";

export class StreamFaults {
  /** The faults of the next requests that they apply to. */
  coordinator: CoordinatorFault[] = [];
  /** The faults of the next websockets to any SFU, one each. */
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
