import type { Output } from "./output.ts";

/** Shortest time between two pieces of text, so that a fast model cannot flood the port. */
const pieceIntervalMs = 20;

/** Words as text: heard as soon as they are sent. The first piece goes out at once, later ones are gathered. */
export class TextOutput implements Output {
  readonly #send: (piece: string) => void;
  #heard = "";
  #waiting = "";
  #paused = false;
  #timer: NodeJS.Timeout | undefined;
  #onFlushed: (() => void) | null = null;

  constructor(send: (piece: string) => void) {
    this.#send = send;
  }

  get heard(): string {
    return this.#heard;
  }

  write(text: string): void {
    this.#waiting += text;
    if (this.#timer === undefined) this.#flush();
  }

  /** Pieces of text do not wait for more. */
  flush(): void {}

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#flush();
  }

  async finish(): Promise<void> {
    this.#flush();
    if (this.#waiting !== "") await new Promise<void>((resolve) => (this.#onFlushed = resolve));
    clearTimeout(this.#timer);
  }

  cut(): void {
    clearTimeout(this.#timer);
    this.#waiting = "";
    this.#onFlushed?.();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting === "" || this.#paused) return;
    const piece = this.#waiting;
    this.#waiting = "";
    this.#heard += piece;
    this.#timer = setTimeout(() => this.#flush(), pieceIntervalMs);
    this.#send(piece);
    this.#onFlushed?.();
  }
}
