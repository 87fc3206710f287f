import type { WebSocket } from "ws";

/** The number of frames that may be under way to a client, which reports twice a second how many it received: 1.5 s. */
const mostUnderWay = 75;
/** The number of frames that wait beyond those: half a second. The oldest is dropped for the newest. */
const mostWaiting = 25;
/** The bytes that may wait in the socket itself, where a client does not report what it received. */
const mostBufferedBytes = 65_536;

/**
 * Sends sound to a client that may be slow. Frames beyond those under way wait, and the oldest of too many is dropped. The buffers of
 * the sockets in between hold many seconds, so that the client's own reports decide.
 */
export class Backlog {
  readonly #socket: WebSocket;
  #waiting: Uint8Array[] = [];
  #sent = 0;
  #received = 0;
  /** Says whether the client reports what it received; otherwise the socket's own buffer decides. */
  #tells = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  send(frame: Uint8Array): void {
    this.#waiting.push(frame);
    if (this.#waiting.length > mostWaiting) this.#waiting.shift();
    this.#flush();
  }

  /** Reports how many frames the client has received in all. */
  received(frames: number): void {
    this.#tells = true;
    this.#received = Math.max(this.#received, Math.min(frames, this.#sent));
    this.#flush();
  }

  close(): void {
    this.#waiting = [];
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.#mayBeSent) {
      const frame = this.#waiting.shift();
      if (frame === undefined || this.#socket.readyState !== this.#socket.OPEN) return;
      this.#sent += 1;
      this.#socket.send(frame, { binary: true });
    }
  }

  get #mayBeSent(): boolean {
    if (this.#tells && this.#sent - this.#received >= mostUnderWay) return false;
    return this.#socket.bufferedAmount < mostBufferedBytes;
  }
}
