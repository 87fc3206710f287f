import type { RawData, WebSocket } from "ws";
import { webSocketAgent } from "../../../network/tunnel.ts";
import { now } from "../../../shared/protocol.ts";
import { errorText } from "../../error-text.ts";
import { passing, StreamError, sfuError, timedOut, unreachable } from "../error.ts";
import { type JoinRequest, type JoinResponse, SfuEvent, SfuRequest } from "./messages.ts";
import { decode, encode, type Input, variantOf } from "./protobuf.ts";

/**
 * The codes with which the client closes: 1000 frees the participant at once, all others leave it to the SFU's
 * deadline.
 */
export const closeCodes = { left: 1_000, unhealthy: 4_001, superseded: 4_100, joinFailed: 4_101 } as const;
export type CloseReason = keyof typeof closeCodes;

/** The end of a connection that nobody asked for. */
export interface SocketLoss {
  readonly why: "closed" | "silent" | "failed";
  /** The code of the closing frame; 1006 without one. */
  readonly code: number;
  readonly reason: string;
}

/** Times in milliseconds, as in Stream's own clients. */
export interface SocketTimes {
  /** The longest wait for an open connection, in milliseconds. */
  readonly openTimeoutMs: number;
  /** The longest wait for the answer to a join, in milliseconds. */
  readonly joinTimeoutMs: number;
  /** The time between two questions to the SFU for a sign of life, in milliseconds. */
  readonly healthIntervalMs: number;
  /** The time without a frame after which the socket is dead, in milliseconds. */
  readonly silenceMs: number;
}
export const socketTimes: SocketTimes = {
  openTimeoutMs: 5_000,
  joinTimeoutMs: 5_000,
  healthIntervalMs: 5_000,
  silenceMs: 12_000,
};

export interface SfuSocketOptions {
  /** The address of the SFU, with its query. */
  readonly url: string;
  /**
   * Takes all events but answers to a join and signs of life, in order, from the moment at which the socket is opened.
   */
  readonly onEvent: (event: SfuEvent) => void;
  /**
   * Called once, and nothing after it. It is not called where this side closes, nor where it never got as far as
   * joining.
   */
  readonly onLost: (loss: SocketLoss) => void;
  /** A frame that is no event. It is passed over. */
  readonly onUnreadable?: (error: unknown) => void;
  readonly times?: SocketTimes;
}

/**
 * The longest message, in bytes: a longer one is not what it seems. A join of a call of thousands takes some hundred KiB.
 */
const maxMessageBytes = 8 * 1_024 * 1_024;

const doing = "To join a call's SFU";

/** The time that the other side may take to close as well, in milliseconds. */
const closeTimeoutMs = 1_000;

/** `opening → open → joined → over`; over also follows any earlier one. */
type SocketState = "opening" | "open" | "joined" | "over";

/** The SFU's signalling: one websocket. It never connects again by itself. */
export class SfuSocket {
  readonly #options: SfuSocketOptions;
  readonly #times: SocketTimes;
  readonly #socket: WebSocket;
  readonly #opened = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();
  #state: SocketState = "opening";
  #failure: StreamError | null = null;
  #joining: PromiseWithResolvers<JoinResponse> | null = null;
  #health: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;
  #heardAt = now();

  /** Connects. `WebSocket` is that of `ws`, which is loaded in session threads only. */
  constructor(Socket: typeof WebSocket, options: SfuSocketOptions) {
    this.#options = options;
    this.#times = options.times ?? socketTimes;
    this.#opened.promise.catch(() => undefined);
    this.#socket = new Socket(options.url, {
      perMessageDeflate: false,
      maxPayload: maxMessageBytes,
      handshakeTimeout: this.#times.openTimeoutMs,
      agent: webSocketAgent(options.url),
    });
    this.#socket.binaryType = "nodebuffer";
    this.#socket.on("open", () => this.#open());
    this.#socket.on("message", (data, binary) => this.#take(data, binary));
    for (const sign of ["ping", "pong"] as const) this.#socket.on(sign, () => this.#heard());
    this.#socket.on("unexpected-response", (_, { statusCode = 0 }) => {
      this.#failure = new StreamError(`${doing}: refused with ${statusCode}`, {
        status: statusCode,
        retryable: passing(statusCode),
      });
      this.#socket.terminate();
    });
    this.#socket.on("error", (error) => {
      this.#failure ??= unreachable(doing, error);
    });
    this.#socket.on("close", (code, reason) => {
      this.#lose({ why: this.#failure === null ? "closed" : "failed", code, reason: reason.toString() });
      this.#gone.resolve();
    });
  }

  get joined(): boolean {
    return this.#state === "joined";
  }

  /** Resolves once the SFU let us in. Rejects with a {@link StreamError}; the socket is then to be closed. */
  async join(request: JoinRequest): Promise<JoinResponse> {
    await this.#opened.promise;
    const { joinTimeoutMs } = this.#times;
    this.#joining = Promise.withResolvers();
    const deadline = setTimeout(() => this.#joining?.reject(timedOut(doing)), joinTimeoutMs);
    try {
      this.#send({ joinRequest: request });
      return await this.#joining.promise;
    } finally {
      clearTimeout(deadline);
      this.#joining = null;
    }
  }

  /** Says goodbye and closes: the participant is gone at once. Resolves when the connection is gone, within a second. */
  async leave(sessionId: string, reason: string): Promise<void> {
    this.#send({ leaveCallRequest: { sessionId, reason } });
    await this.close("left", reason);
  }

  /**
   * Closes the socket. Not another event comes from here on, whatever the SFU still sends. Resolves when the connection
   * is gone.
   */
  async close(why: CloseReason, reason: string = why): Promise<void> {
    this.#over(new StreamError(`${doing}: the socket was closed`, { code: "ECONNABORTED", retryable: true }));
    // A reason has at most 123 bytes.
    this.#socket.close(closeCodes[why], reason.slice(0, 40));
    const deadline = setTimeout(() => this.#socket.terminate(), closeTimeoutMs);
    await this.#gone.promise;
    clearTimeout(deadline);
  }

  #open(): void {
    if (this.#state !== "opening") return;
    this.#state = "open";
    this.#opened.resolve();
  }

  #take(data: RawData, binary: boolean): void {
    this.#heard();
    if (this.#state === "over") return;
    let event: SfuEvent | null = null;
    try {
      // Stream sends binary frames only.
      if (binary) event = variantOf(decode(SfuEvent, data as Buffer));
    } catch (error) {
      this.#options.onUnreadable?.(error);
    }
    if (event !== null) this.#hand(event);
  }

  #hand(event: SfuEvent): void {
    if (event.type === "healthCheckResponse") return;
    if (event.type === "joinResponse") {
      if (this.#state === "open") this.#enter();
      this.#joining?.resolve(event.value);
    } else if (event.type === "error" && this.#joining !== null) {
      const { error, reconnectStrategy } = event.value;
      this.#joining.reject(sfuError(doing, error ?? noFault, reconnectStrategy));
    } else {
      this.#options.onEvent(event);
    }
  }

  #enter(): void {
    this.#state = "joined";
    const { healthIntervalMs, silenceMs } = this.#times;
    this.#health = setInterval(() => this.#send({ healthCheckRequest: {} }), healthIntervalMs).unref();
    this.#silence = setTimeout(() => {
      // What came while the thread was busy is read first.
      setImmediate(() => this.#judgeSilence());
    }, silenceMs).unref();
  }

  #judgeSilence(): void {
    if (this.#state === "over" || now() - this.#heardAt < this.#times.silenceMs / 2) return;
    this.#lose({ why: "silent", code: closeCodes.unhealthy, reason: "" });
    void this.close("unhealthy");
  }

  #heard(): void {
    // A timer that was cleared would begin anew.
    if (this.#state === "over") return;
    this.#heardAt = now();
    this.#silence?.refresh();
  }

  #send(request: Input<typeof SfuRequest>): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(encode(SfuRequest, request));
  }

  #lose(loss: SocketLoss): void {
    const { joined } = this;
    const reason = loss.reason === "" ? "" : `: ${errorText(loss.reason)}`;
    const closed = new StreamError(`${doing}: closed with ${loss.code}${reason}`, {
      code: "ECONNRESET",
      retryable: true,
    });
    if (!this.#over(this.#failure ?? closed)) return;
    if (joined) this.#options.onLost(loss);
  }

  /** Returns whether it was not over before. */
  #over(error: StreamError): boolean {
    if (this.#state === "over") return false;
    this.#state = "over";
    clearInterval(this.#health);
    clearTimeout(this.#silence);
    this.#opened.reject(error);
    this.#joining?.reject(error);
    return true;
  }
}

/** An error event that does not say which. */
const noFault = { code: 0, message: "", shouldRetry: false };
