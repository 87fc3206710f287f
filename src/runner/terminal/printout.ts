/** The place where a conversation is shown. */
export interface Printout {
  /** The agent's words go on. */
  words(piece: string): void;
  /** The agent has said what it had to say. */
  endWords(): void;
  /** A line of its own. */
  line(text: string): void;
  /** An address, in one piece however long it is. */
  link(url: string): void;
}

/** Plain words on standard output, and nothing that moves. */
export class PlainPrintout implements Printout {
  #speaking = false;

  words(piece: string): void {
    process.stdout.write(this.#speaking ? piece : `agent: ${piece}`);
    this.#speaking = true;
  }

  endWords(): void {
    if (this.#speaking) process.stdout.write("\n");
    this.#speaking = false;
  }

  line(text: string): void {
    this.endWords();
    process.stdout.write(`${text}\n`);
  }

  link(url: string): void {
    this.line(url);
  }
}
