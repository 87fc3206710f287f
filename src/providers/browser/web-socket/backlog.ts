import type { WebSocket } from "ws";

/** Frames that may be under way to a client, which tells twice a second how many came: 1.5 s. */
const mostUnderWay = 75;
/** Frames that wait here while as many are under way: half a second. The oldest is dropped for the newest. */
const mostWaiting = 25;
/** Bytes that may wait in the socket itself, where a client never tells what came. */
const mostBufferedBytes = 65_536;

/**
 * Sends sound to a client that may be slow: what cannot be under way waits, and of what waits too long the oldest is dropped. The
 * buffers of the sockets in between hold many seconds, so it goes by what the client says that it received.
 */
export class Backlog {
  readonly #socket: WebSocket;
  #waiting: Uint8Array[] = [];
  #sent = 0;
  #received = 0;
  /** A client that never tells is trusted by what its socket takes. */
  #tells = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  send(frame: Uint8Array): void {
    this.#waiting.push(frame);
    if (this.#waiting.length > mostWaiting) this.#waiting.shift();
    this.#flush();
  }

  /** The client has received so many frames in all. */
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
