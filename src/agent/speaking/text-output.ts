import type { Output } from "./output.ts";
import { isQuestion, type SpokenProgress } from "./spoken-progress.ts";

/** The shortest time between two pieces of text, in milliseconds, so that a fast model cannot flood the port. */
const pieceIntervalMs = 20;

/** Words as text: heard as soon as they are sent. The first piece goes out at once, later ones are gathered. */
export class TextOutput implements Output {
  readonly #send: (piece: string) => void;
  #heard = "";
  #waiting = "";
  #paused = false;
  #timer: NodeJS.Timeout | undefined;
  #onFlushed: (() => void) | null = null;
  #finishing = false;

  constructor(send: (piece: string) => void) {
    this.#send = send;
  }

  readonly heardMs = 0;

  get heard(): string {
    return this.#heard;
  }

  get progress(): SpokenProgress {
    return {
      begun: this.#heard !== "",
      asks: isQuestion(this.#heard),
      leftMs: this.#finishing && this.#waiting === "" ? 0 : Number.POSITIVE_INFINITY,
    };
  }

  write(text: string): void {
    this.#waiting += text;
    if (this.#timer === undefined) this.#flush();
  }

  /** Does nothing: text is read, not played. */
  play(): void {}

  /** Pieces of text do not wait for more. */
  flush(): void {}

  pause(): void {
    this.#paused = true;
  }

  duck(): void {}

  /** Stops at once: text that is read has no sentence under way. */
  async stopAfterSentence(): Promise<boolean> {
    return !this.#finishing || this.#waiting !== "";
  }

  resume(): void {
    this.#paused = false;
    this.#flush();
  }

  async finish(): Promise<boolean> {
    this.#finishing = true;
    this.#flush();
    if (this.#waiting !== "") await new Promise<void>((resolve) => (this.#onFlushed = resolve));
    clearTimeout(this.#timer);
    return true;
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
