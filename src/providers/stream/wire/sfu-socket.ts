import type { RawData, WebSocket } from "ws";
import { webSocketAgent } from "../../../network/tunnel.ts";
import { now } from "../../../shared/protocol.ts";
import { errorText, isPassingStatus } from "../../http/error-text.ts";
import { StreamError, sfuError, timedOut, unreachable } from "../error.ts";
import { type JoinResponse, SfuEvent, type SfuJoinRequest, SfuRequest } from "./messages.ts";
import { decode, encode, type MessageInput, variantOf } from "./protobuf.ts";

/**
 * The codes with which the client closes a socket: 1000 removes the participant at once; with the others the
 * SFU keeps it until its deadline.
 */
export const closeCodes = { left: 1_000, unhealthy: 4_001, superseded: 4_100, joinFailed: 4_101 } as const;
export type SocketCloseReason = keyof typeof closeCodes;

/** The end of a connection that this side did not ask for. */
export interface SocketLoss {
  readonly kind: "closed" | "silent" | "failed";
  /** The code of the close frame; 1006 where there was none. */
  readonly code: number;
  readonly reason: string;
}

/** The times of a socket, as in Stream's own clients. */
export interface SocketTimes {
  /** The longest wait until the connection is open, in milliseconds. */
  readonly openTimeoutMs: number;
  /** The longest wait for the response to a join, in milliseconds. */
  readonly joinTimeoutMs: number;
  /** The time between two health checks, in milliseconds. */
  readonly healthIntervalMs: number;
  /** The time without a frame after which the connection is lost, in milliseconds. */
  readonly silenceMs: number;
}
export const socketTimes: SocketTimes = {
  openTimeoutMs: 5_000,
  joinTimeoutMs: 5_000,
  healthIntervalMs: 5_000,
  silenceMs: 12_000,
};

export interface SfuSocketOptions {
  /** The address of the SFU's socket, with its query. */
  readonly url: string;
  /**
   * Called with every event except join responses and health checks, in order, from the opening of the socket
   * on.
   */
  readonly onEvent: (event: SfuEvent) => void;
  /**
   * Called once, when a joined connection is lost; no call of any kind follows. It is not called where this
   * side closes the socket.
   */
  readonly onLost: (loss: SocketLoss) => void;
  /** Called with the error of a frame that cannot be decoded. The frame is skipped. */
  readonly onUnreadable?: (error: unknown) => void;
  readonly times?: SocketTimes;
}

/**
 * The longest message that is accepted, in bytes. A join response of a call with thousands of participants
 * takes some hundred KiB.
 */
const maxMessageBytes = 8 * 1_024 * 1_024;

const action = "To join a call's SFU";

/** The longest wait for the other side to close too, in milliseconds. */
const closeTimeoutMs = 1_000;

/** The transitions are `opening → open → joined → over`; `over` also follows every earlier state. */
type SocketState = "opening" | "open" | "joined" | "over";

/** The socket of an SFU's signalling. It never reconnects by itself. */
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
  #receivedAt = now();

  /** Connects. `Socket` is the class of `ws`, which is loaded in session threads only. */
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
    this.#socket.on("message", (data, binary) => this.#onFrame(data, binary));
    for (const sign of ["ping", "pong"] as const) this.#socket.on(sign, () => this.#received());
    this.#socket.on("unexpected-response", (_, { statusCode = 0 }) => {
      this.#failure = new StreamError(`${action}: refused with ${statusCode}`, {
        status: statusCode,
        retryable: isPassingStatus(statusCode),
      });
      this.#socket.terminate();
    });
    this.#socket.on("error", (error) => {
      this.#failure ??= unreachable(action, error);
    });
    this.#socket.on("close", (code, reason) => {
      this.#onClosed({ kind: this.#failure === null ? "closed" : "failed", code, reason: reason.toString() });
      this.#gone.resolve();
    });
  }

  /** Returns whether the SFU accepted the join and the connection is open. */
  get joined(): boolean {
    return this.#state === "joined";
  }

  /**
   * Joins. It resolves with the SFU's response. It rejects with a {@link StreamError}, after which the socket
   * should be closed.
   */
  async join(request: SfuJoinRequest): Promise<JoinResponse> {
    await this.#opened.promise;
    const { joinTimeoutMs } = this.#times;
    this.#joining = Promise.withResolvers();
    const deadline = setTimeout(() => this.#joining?.reject(timedOut(action)), joinTimeoutMs);
    try {
      this.#send({ joinRequest: request });
      return await this.#joining.promise;
    } finally {
      clearTimeout(deadline);
      this.#joining = null;
    }
  }

  /**
   * Leaves and closes the socket: the participant is gone at once. It resolves when the connection is gone,
   * within a second.
   */
  async leave(sessionId: string, reason: string): Promise<void> {
    this.#send({ leaveCallRequest: { sessionId, reason } });
    await this.close("left", reason);
  }

  /**
   * Closes the socket. No event follows, whatever the SFU still sends. It resolves when the connection is
   * gone, within a second.
   */
  async close(code: SocketCloseReason, reason: string = code): Promise<void> {
    this.#end(new StreamError(`${action}: the socket was closed`, { code: "ECONNABORTED", retryable: true }));
    // The protocol allows a reason of 123 bytes.
    this.#socket.close(closeCodes[code], reason.slice(0, 40));
    const deadline = setTimeout(() => this.#socket.terminate(), closeTimeoutMs);
    await this.#gone.promise;
    clearTimeout(deadline);
  }

  #open(): void {
    if (this.#state !== "opening") return;
    this.#state = "open";
    this.#opened.resolve();
  }

  #onFrame(data: RawData, binary: boolean): void {
    this.#received();
    if (this.#state === "over") return;
    let event: SfuEvent | null = null;
    try {
      // Stream sends binary frames only.
      if (binary) event = variantOf(decode(SfuEvent, data as Buffer));
    } catch (error) {
      this.#options.onUnreadable?.(error);
    }
    if (event !== null) this.#handle(event);
  }

  #handle(event: SfuEvent): void {
    if (event.type === "healthCheckResponse") return;
    if (event.type === "joinResponse") {
      if (this.#state === "open") this.#markJoined();
      this.#joining?.resolve(event.value);
    } else if (event.type === "error" && this.#joining !== null) {
      const { error, reconnectStrategy } = event.value;
      this.#joining.reject(sfuError(action, error ?? unknownError, reconnectStrategy));
    } else {
      this.#options.onEvent(event);
    }
  }

  #markJoined(): void {
    this.#state = "joined";
    const { healthIntervalMs, silenceMs } = this.#times;
    this.#health = setInterval(() => this.#send({ healthCheckRequest: {} }), healthIntervalMs).unref();
    this.#silence = setTimeout(() => {
      // Frames that arrived while the thread was busy are read first.
      setImmediate(() => this.#checkSilence());
    }, silenceMs).unref();
  }

  #checkSilence(): void {
    if (this.#state === "over" || now() - this.#receivedAt < this.#times.silenceMs / 2) return;
    this.#onClosed({ kind: "silent", code: closeCodes.unhealthy, reason: "" });
    void this.close("unhealthy");
  }

  #received(): void {
    // Refreshing a cleared timer would start it again.
    if (this.#state === "over") return;
    this.#receivedAt = now();
    this.#silence?.refresh();
  }

  #send(request: MessageInput<typeof SfuRequest>): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(encode(SfuRequest, request));
  }

  #onClosed(loss: SocketLoss): void {
    const { joined } = this;
    const reason = loss.reason === "" ? "" : `: ${errorText(loss.reason)}`;
    const closed = new StreamError(`${action}: closed with ${loss.code}${reason}`, {
      code: "ECONNRESET",
      retryable: true,
    });
    if (!this.#end(this.#failure ?? closed)) return;
    if (joined) this.#options.onLost(loss);
  }

  /** Ends the socket's work, and rejects whoever waits for it. Returns false where that was done before. */
  #end(error: StreamError): boolean {
    if (this.#state === "over") return false;
    this.#state = "over";
    clearInterval(this.#health);
    clearTimeout(this.#silence);
    this.#opened.reject(error);
    this.#joining?.reject(error);
    return true;
  }
}

/** The error of an event that carries none. */
const unknownError = { code: 0, message: "", shouldRetry: false };
