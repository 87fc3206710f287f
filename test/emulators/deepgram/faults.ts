/** The faults of one connection. Times are wall-clock milliseconds. */
export interface DeepgramFault {
  /** The handshake is answered with this HTTP status, such as 429, and Deepgram's error body. */
  readonly status?: number;
  /** Code in the body of a refusal. Default: what Deepgram uses for the status. */
  readonly errorCode?: string;
  readonly errorMessage?: string;
  /** The body of a refusal has the shape of older answers: `err_code`, `err_msg`. */
  readonly olderBody?: boolean;
  /** Seconds in the Retry-After header of a refusal. */
  readonly retryAfterSeconds?: number;
  /** The body of a refusal never ends. */
  readonly endlessBody?: boolean;
  /** The handshake is answered this much later. */
  readonly handshakeDelayMs?: number;
  /** The handshake is never answered. */
  readonly hangs?: boolean;
  /** The TCP connection is cut instead of an answer to the handshake. */
  readonly cutsHandshake?: boolean;
  /** The connection is cut, without a close frame, this long after it opened. */
  readonly cutAfterMs?: number;
  /** The time after which nothing is sent any more, though the connection stays open and answers pings. */
  readonly silentAfterMs?: number;
  /** An Error frame is sent, then it is closed. */
  readonly errorAfterMs?: number;
  readonly errorFrame?: { readonly code: string; readonly description: string };
  /** The time after which the connection is closed with a close frame. */
  readonly closeAfterMs?: number;
  /** Code and reason of that close frame. Default 1011. */
  readonly closeCode?: number;
  readonly closeReason?: string;
  /** Neither CloseStream nor a close frame is ever answered. */
  readonly ignoresClose?: boolean;
  /** True where nothing is read from the connection, so that the client's buffers fill. */
  readonly stopsReading?: boolean;
}

/** The faults of connections to come. They may be changed at any time. */
export class DeepgramFaults {
  /** One for each of the next connections. */
  next: DeepgramFault[] = [];
  /** The fault of every connection beyond those. */
  always: DeepgramFault = {};

  /** Adds faults of the next connections, in this order. */
  push(...faults: readonly DeepgramFault[]): void {
    this.next.push(...faults);
  }

  clear(): void {
    this.next = [];
    this.always = {};
  }

  take(): DeepgramFault {
    return this.next.shift() ?? this.always;
  }
}

/** Deepgram's text for each status, as far as it is known. */
export const refusals: Readonly<Record<number, readonly [text: string, code: string, message: string]>> = {
  400: ["Bad Request", "INVALID_QUERY_PARAMETER", "Invalid query string."],
  401: ["Unauthorized", "INVALID_AUTH", "Invalid credentials."],
  402: ["Payment Required", "ASR_PAYMENT_REQUIRED", "Project does not have enough credits."],
  403: ["Forbidden", "INSUFFICIENT_PERMISSIONS", "Project does not have access to the requested model."],
  404: ["Not Found", "NOT_FOUND", "The requested resource was not found."],
  429: ["Too Many Requests", "TOO_MANY_REQUESTS", "Too many requests. Please try again later"],
  500: ["Internal Server Error", "INTERNAL_SERVER_ERROR", "Something went wrong."],
  503: ["Service Unavailable", "SERVICE_UNAVAILABLE", "Service temporarily unavailable."],
};
