/** Where the words of a turn go. */
export interface Output {
  /** What has reached the other side so far. */
  readonly heard: string;
  write(text: string): void;
  /** Resolves when all that was written is heard. */
  finish(): Promise<void>;
  /** Drops what is not heard yet. */
  cut(): void;
}

/** Shortest time between two pieces of text, so that a fast model cannot flood the port. */
const pieceIntervalMs = 20;

/** Words as text: heard as soon as they are sent. The first piece goes out at once, later ones are gathered. */
export class TextOutput implements Output {
  readonly #send: (piece: string) => void;
  #heard = "";
  #waiting = "";
  #timer: NodeJS.Timeout | undefined;

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

  async finish(): Promise<void> {
    this.#flush();
    clearTimeout(this.#timer);
  }

  cut(): void {
    clearTimeout(this.#timer);
    this.#waiting = "";
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting === "") return;
    const piece = this.#waiting;
    this.#waiting = "";
    this.#heard += piece;
    this.#timer = setTimeout(() => this.#flush(), pieceIntervalMs);
    this.#send(piece);
  }
}
