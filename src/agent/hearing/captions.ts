/** The shortest time between two captions, in milliseconds. */
const intervalMs = 200;

/** Words that are still being understood, told as they change, at a bounded rate; what they come to is never left out. */
export class Captions {
  readonly #tell: (text: string) => void;
  #text = "";
  #told = "";
  #pause: NodeJS.Timeout | undefined;

  constructor(tell: (text: string) => void) {
    this.#tell = tell;
  }

  /** Shows all words so far. */
  show(text: string): void {
    this.#text = text;
    if (this.#pause === undefined) this.#send();
  }

  /** Ends the captions, since the final words stand in their place. */
  close(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
  }

  /** Tells readers that the words so far were none after all. */
  takeBack(): void {
    this.close();
    this.#text = "";
    this.#send();
    this.close();
  }

  #send(): void {
    if (this.#text === this.#told) return;
    this.#told = this.#text;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#send();
    }, intervalMs).unref();
    this.#tell(this.#text);
  }
}
